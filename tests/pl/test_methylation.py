"""Predicted and measured methylation: what is drawn where."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import grnet as gn


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def predictions(n=240, *, seed=0):
    rng = np.random.default_rng(seed)
    level = np.full(n, 0.9)
    level[90:130] = 0.1
    coverage = rng.integers(5, 20, n)
    frame = pd.DataFrame({"chrom": "chr1", "start": np.arange(n) * 50, "coverage": coverage})
    frame["level"] = rng.binomial(coverage, level) / coverage
    frame["predicted"] = level
    role = np.where(np.arange(n) % 4 == 0, "held_out", "training")
    return frame.assign(low=level - 0.1, high=level + 0.1, role=role)


def axes(figure):
    return {ax.get_label(): ax for ax in figure.axes}


def test_levels_count_the_held_out_cpgs_alone():
    frame = predictions()
    left = axes(gn.pl.methylation_fit(frame))["levels"]
    assert left.get_title() == "60 CpGs held out"
    counted = np.ma.filled(left.collections[0].get_array(), 0)
    assert np.nansum(counted) == 60


def test_line_of_right_predictions_lies_on_the_diagonal():
    frame = predictions(4_000).assign(role="held_out")
    frame["predicted"] = np.linspace(0, 1, len(frame))
    frame["level"] = np.random.default_rng(0).binomial(10, frame["predicted"]) / 10
    left = axes(gn.pl.methylation_fit(frame))["levels"]
    line = left.lines[1].get_xydata()
    np.testing.assert_allclose(line[:, 0], line[:, 1], atol=0.05)


def test_region_shows_its_cpgs_by_what_they_are():
    frame = predictions()
    right = axes(gn.pl.methylation_fit(frame, region="chr1:1,000-2,000"))["region"]
    seen, out = right.collections[1], right.collections[2]
    assert out.get_offsets()[:, 0].tolist() == [1000, 1200, 1400, 1600, 1800]
    assert len(seen.get_offsets()) == 15
    assert right.lines[0].get_xdata().tolist() == list(range(1000, 2000, 50))


def test_by_default_the_stretch_where_the_level_changes_is_shown():
    right = axes(gn.pl.methylation_fit(predictions()))["region"]
    shown = right.lines[0].get_xdata()
    assert len(shown) == 80
    assert shown.min() <= 90 * 50 <= shown.max()


def test_cpgs_with_few_reads_are_left_out():
    frame = predictions()
    frame.loc[frame["role"].eq("held_out"), "coverage"] = 2
    with pytest.raises(ValueError, match=r"No held-out CpG has min_coverage=5 reads, of 60"):
        gn.pl.methylation_fit(frame)
    left = axes(gn.pl.methylation_fit(frame, min_coverage=1))["levels"]
    assert left.get_title() == "60 CpGs held out"


def test_the_frame_is_left_as_it_is_and_its_order_does_not_matter():
    frame = predictions()
    mixed = frame.sample(frac=1, random_state=0)
    kept = mixed.copy()
    first, second = (axes(gn.pl.methylation_fit(f))["region"] for f in (frame, mixed))
    assert first.lines[0].get_xydata().tolist() == second.lines[0].get_xydata().tolist()
    pd.testing.assert_frame_equal(mixed, kept)


def test_errors_name_what_is_there():
    frame = predictions()
    with pytest.raises(ValueError, match="No CpG lies in 'chr2:1-9'; the chromosomes are 'chr1'"):
        gn.pl.methylation_fit(frame, region="chr2:1-9")
    with pytest.raises(ValueError, match="lacks the column"):
        gn.pl.methylation_fit(frame.drop(columns="low"))
