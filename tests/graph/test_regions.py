"""Neighbours and co-accessible regions are those of a loop over all pairs."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import grnet as gn
from grnet import _intervals
from grnet.graph import ADJACENT, COACCESSIBLE, GENE, PEAK, regions


def pairs(data, kind):
    names = data[PEAK].name
    return {(names[i], names[j]) for i, j in data[kind].edge_index.T.tolist()}


intervals = st.lists(
    st.tuples(st.sampled_from(["chr1", "chr2"]), st.integers(0, 300), st.integers(1, 80)),
    min_size=1,
    max_size=20,
    unique=True,
)


@given(intervals, st.integers(0, 60))
def test_neighbours_follow_one_another(rows, reach):
    frame = pd.DataFrame(rows, columns=["chrom", "start", "end"])
    frame["end"] += frame["start"]
    frame = frame.drop_duplicates()
    data = gn.graph.region_graph(frame, max_distance=reach)
    gn.graph.validate(data)
    wanted = set()
    for _, group in frame.sort_values(["start", "end"]).groupby("chrom"):
        names = _intervals.names(group)
        gaps = group["start"].to_numpy()[1:] - group["end"].to_numpy()[:-1]
        for one, two, gap in zip(names[:-1], names[1:], gaps, strict=True):
            if gap <= reach:
                wanted |= {(one, two), (two, one)}
    assert pairs(data, ADJACENT) == wanted


@pytest.mark.parametrize("block", [3, 7, 500])
@pytest.mark.parametrize("sparse", [True, False])
def test_coaccessible_regions_are_those_of_all_pairs(small, monkeypatch, block, sparse):
    monkeypatch.setattr(regions, "_REGIONS_AT_A_TIME", block)
    atac = small.mdata["atac"].copy()
    if not sparse:
        atac.X = atac.X.toarray()
    rng = np.random.default_rng(0)
    atac = atac[rng.permutation(60)][:, rng.permutation(40)].copy()
    data = gn.graph.region_graph(atac, window=5_000, min_correlation=0.1)
    counts = np.asarray(small.mdata["atac"][:, atac.var_names].X.toarray())
    total = counts.sum(1, keepdims=True)
    logged = np.log1p(counts / total * np.median(total))
    with np.errstate(invalid="ignore"):
        correlation = np.nan_to_num(np.corrcoef(logged.T))
    var = atac.var
    centre = ((var["start"] + var["end"]) // 2).to_numpy()
    near = (var["chrom"].to_numpy() == var["chrom"].to_numpy()[:, None]) & (
        np.abs(centre - centre[:, None]) <= 5_000
    )
    np.fill_diagonal(near, False)
    chosen = near & (correlation >= 0.1)
    assert pairs(data, COACCESSIBLE) == {
        (var.index[i], var.index[j]) for i, j in zip(*np.nonzero(chosen), strict=True)
    }
    i, j = data[COACCESSIBLE].edge_index.numpy()
    np.testing.assert_allclose(data[COACCESSIBLE].edge_attr[:, 0], correlation[i, j], atol=1e-5)


def test_regions_join_the_graph_of_genes(small, graph):
    data = gn.graph.region_graph(small.mdata["atac"], small.genome, n_components=5)
    assert data[PEAK].name == graph[PEAK].name
    assert "gc" in data[PEAK].feature_names
    for kind in data.edge_types:
        graph[kind].update(data[kind])
    gn.graph.validate(graph)
    assert ADJACENT in graph.edge_types
    assert graph[GENE].num_nodes == 24


def test_long_regions_that_hold_others_hide_no_pair():
    names = ["chr1:0-100000", "chr1:10-20", "chr1:100-200", "chr1:900-1000"]
    states = np.random.default_rng(0).random((30, 1)) * np.array([[1.0, 1.0, 1.0, 1.0]])
    atac = ad.AnnData(states, var=pd.DataFrame(index=names))
    data = gn.graph.region_graph(atac, window=1_000, n_components=2)
    assert pairs(data, COACCESSIBLE) == {(a, b) for a in names[1:] for b in names[1:] if a != b}


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"chrom": [], "start": [], "end": []}), "There are no regions"),
        (pd.DataFrame({"chrom": ["1"] * 2, "start": 1, "end": 5}), "regions occur more than once"),
        (pd.DataFrame({"chrom": ["1"], "start": 9, "end": 5}), "end before they start"),
        (pd.DataFrame({"chr": ["1"]}), "lacks the column"),
    ],
)
def test_wrong_regions_are_refused(frame, message):
    with pytest.raises(ValueError, match=message):
        gn.graph.region_graph(frame)
