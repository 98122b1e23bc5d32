"""Whole tasks on a simulated genome, where the binding sites are planted."""

import numpy as np
import pandas as pd
import pytest

import grnet as gn
from grnet.train.windows import _centres

QUICK = gn.train.FitSettings(max_epochs=2, device="cpu")


@pytest.fixture(scope="module")
def multiome(tmp_path_factory):
    simulated = gn.datasets.simulate_multiome(n_cells=40, n_genes=60, n_tfs=3, seed=2)
    return simulated, simulated.write(tmp_path_factory.mktemp("multiome"))


@pytest.fixture(scope="module")
def genome(multiome):
    return gn.io.Genome(multiome[1].genome, annotation=multiome[1].annotation)


@pytest.fixture(scope="module")
def peaks(multiome):
    return gn.io.read_peaks(multiome[1].chip)


@pytest.fixture(scope="module")
def windows(genome, peaks):
    return gn.train.binding_windows(genome, peaks, min_peaks=5, width=120)


def test_every_bound_window_has_a_partner_of_its_gc(genome, windows):
    table = windows.intervals
    bound = table["positive"] < 0
    partners = table[~bound]
    assert set(partners["positive"]) == set(table.index[bound])
    gc = genome.gc(table)
    assert np.abs(gc[partners.index] - gc[partners["positive"]]).max() <= 0.02 + 1e-9
    chrom = table["chrom"].to_numpy()
    assert (chrom[partners.index] == chrom[partners["positive"]]).all()
    assert not windows.labels[~bound].any()
    assert windows.labels[bound].any(axis=1).all()


def test_labels_are_the_peaks_near_the_centre(genome, peaks, windows):
    placed = genome.harmonise(peaks, what="peaks")
    table = windows.intervals
    for row in np.flatnonzero(table["positive"] < 0)[::7]:
        at = table.iloc[row]
        near = placed[
            (placed["chrom"] == at["chrom"]) & ((placed["summit"] - (at["start"] + 60)).abs() <= 30)
        ]
        assert set(near["tf"]) == {
            name for name, label in zip(windows.names, windows.labels[row], strict=True) if label
        }


def test_sites_within_reach_share_a_window():
    chrom, middle = np.array([0, 0, 0, 1]), np.array([10, 30, 90, 30])
    assert _centres(chrom, middle, reach=25).tolist() == [[0, 20], [0, 90], [1, 30]]


def test_too_few_peaks_and_unknown_tfs_are_told(genome, peaks):
    with pytest.raises(ValueError, match=r"No TF has 100000 peaks.*Lower min_peaks"):
        gn.train.binding_windows(genome, peaks, min_peaks=100_000)
    with pytest.raises(ValueError, match=r"1 of 1 TFs have no peak: 'GATA1'"):
        gn.train.binding_windows(genome, peaks, tfs=["GATA1"])
    with pytest.raises(ValueError, match="lacks the column"):
        gn.train.binding_windows(genome, peaks.drop(columns="tf"))


def chromosomes(genome):
    return [str(name) for name in genome.sizes.index]


def test_binding_is_scored_on_chromosomes_that_were_held_out(genome, windows):
    names = chromosomes(genome)
    if len(names) < 3:
        pytest.skip(f"the simulated genome has {len(names)} chromosomes, three are needed")
    done = gn.train.binding(genome, windows, validation=names[1:2], test=names[2:3], settings=QUICK)
    assert set(done.test.intervals["chrom"]) == {names[2]}
    assert not done.audit[["overlapping", "identical"]].to_numpy().any()
    assert list(done.scores.index) == list(windows.names)
    assert {"auroc", "auprc", "prevalence", "gc_auroc", "auroc_bound"} <= set(done.scores)
    n_filters = done.fit.model.config.n_filters
    assert done.task_vectors.shape == (len(windows.names), n_filters)


@pytest.mark.parametrize("groupby", [None, "cell_type"])
def test_accessibility_of_cells_and_of_groups(multiome, genome, groupby):
    names = chromosomes(genome)
    adata = multiome[0].mdata["atac"].copy()
    if len(names) < 3:
        pytest.skip(f"the simulated genome has {len(names)} chromosomes, three are needed")
    if groupby is not None:
        adata.obs[groupby] = pd.Categorical(np.where(np.arange(adata.n_obs) % 2, "a", "b"))
    done = gn.train.accessibility(
        genome,
        adata,
        validation=names[1:2],
        test=names[2:3],
        groupby=groupby,
        width=100,
        settings=QUICK,
    )
    expected = adata.n_obs if groupby is None else 2
    assert len(done.scores) == expected
    assert ("auroc" if groupby is None else "pearson") in done.scores


def test_unknown_groups_are_told(multiome, genome):
    names = chromosomes(genome)
    with pytest.raises(ValueError, match="obs has no column 'batch9'"):
        gn.train.accessibility(
            genome,
            multiome[0].mdata["atac"],
            validation=names[:1],
            test=names[1:2],
            groupby="batch9",
        )
