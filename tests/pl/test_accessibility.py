"""Pictures of ATAC quality show what was counted."""

import anndata as ad
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from grnet.pl.accessibility import atac_cells, fragment_lengths, tss_profile


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def adata():
    obs = pd.DataFrame(
        {"n_fragments": [100, 2_000, 9_000], "tss_enrichment": [1.0, 3.0, 8.0], "frip": 0.5},
        index=list("abc"),
    )
    made = ad.AnnData(np.ones((3, 2)), obs=obs)
    place = np.arange(-2_000, 2_001)
    made.uns["grnet_fragments"] = {
        "lengths": np.arange(1_001),
        "tss_profile": np.where(np.abs(place) <= 200, 40, 10),
    }
    return made


def test_lengths_are_shares_and_stop_where_asked(adata):
    line = fragment_lengths(adata, max_length=300).lines[0]
    assert line.get_xdata()[-1] == 300
    np.testing.assert_allclose(line.get_ydata(), 100 * np.arange(301) / np.arange(1_001).sum())


def test_profile_is_one_at_its_ends_and_enriched_in_the_middle(adata):
    ax = tss_profile(adata)
    grey, smooth = ax.lines[:2]
    assert grey.get_ydata()[:100].mean() == pytest.approx(1)
    assert smooth.get_ydata()[[0, 2_000, 4_000]].tolist() == pytest.approx([1, 4, 1])
    assert ax.get_title() == "Enrichment at start sites: 4.0"
    unsmoothed = tss_profile(adata, smooth=1).lines[1]
    np.testing.assert_allclose(unsmoothed.get_ydata(), grey.get_ydata())


def test_cells_are_counted_against_the_thresholds(adata):
    ax = atac_cells(adata, min_fragments=1_000, min_enrichment=4)
    assert ax.get_title() == "1 of 3 cells pass"
    assert ax.collections[0].get_offsets().tolist() == [[100, 1], [2_000, 3], [9_000, 8]]
    del adata.obs["tss_enrichment"]
    assert atac_cells(adata).get_ylabel() == "Share in peaks"


def test_axes_can_be_given(adata):
    _, axes = plt.subplots(1, 3)
    drawn = (fragment_lengths, tss_profile, atac_cells)
    assert [draw(adata, ax=ax) for draw, ax in zip(drawn, axes, strict=True)] == list(axes)


def test_what_is_missing_is_named(adata):
    del adata.uns["grnet_fragments"]["tss_profile"]
    with pytest.raises(ValueError, match="has no 'tss_profile': read the fragments with annotat"):
        tss_profile(adata)
    adata.uns["grnet_fragments"]["tss_profile"] = np.zeros(4_001)
    with pytest.raises(ValueError, match="No insertion lies in the outer bases"):
        tss_profile(adata)
    with pytest.raises(ValueError, match="has no 'lengths': read the fragments first"):
        fragment_lengths(ad.AnnData(np.ones((2, 2))))
    with pytest.raises(ValueError, match=r"adata\.obs lacks the column\(s\) 'n_fragments', 'frip'"):
        atac_cells(ad.AnnData(np.ones((2, 2))))
