"""The graph holds what the tables say, whatever the order of cells, genes and peaks."""

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest
import torch
from torch_geometric.nn import HeteroConv, HGTConv, SAGEConv, to_hetero
from torch_geometric.transforms import ToUndirected

import grnet as gn
from grnet.graph import BINDS, COEXPRESSED, GENE, NEAR, PEAK, REGULATES, TF, opposite


def pairs_of(data, edge_type):
    """Edges by name, with their attributes."""
    store = data[edge_type]
    source, target = (
        [data[kind].name[i] for i in ends]
        for kind, ends in zip((edge_type[0], edge_type[2]), store.edge_index.tolist(), strict=True)
    )
    frame = pd.DataFrame(store.edge_attr.numpy(), columns=store.edge_attr_names)
    return frame.set_index(pd.MultiIndex.from_arrays([source, target])).sort_index()


def test_types_are_those_of_the_design(graph):
    assert set(graph.node_types) == {TF, GENE, PEAK}
    forward = {BINDS, NEAR, REGULATES, COEXPRESSED}
    assert set(graph.edge_types) == forward | {opposite(kind) for kind in forward}


def test_names_and_places(graph, small):
    assert graph[GENE].name == list(small.mdata["rna"].var_names)
    assert graph[PEAK].name == list(small.mdata["atac"].var_names)
    assert graph[TF].name == ["TF1", "TF2", "TF3"]
    assert [graph[GENE].name[i] for i in graph[TF].gene] == graph[TF].name
    var = small.mdata["atac"].var
    assert graph[PEAK].start.tolist() == var["start"].tolist()
    assert graph[PEAK].chrom == var["chrom"].tolist()


def test_edges_are_the_tables(graph, small):
    near = pairs_of(graph, NEAR)
    links = small.links.set_index(["peak", "gene"]).sort_index()
    assert near.index.tolist() == links.index.tolist()
    np.testing.assert_allclose(near["distance_kb"] * 1000, links["distance"], rtol=1e-5)
    np.testing.assert_allclose(near["weight"], links["weight"], rtol=1e-6)
    binds = pairs_of(graph, BINDS)
    bindings = small.bindings.set_index(["tf", "peak"]).sort_index()
    assert binds.index.tolist() == bindings.index.tolist()
    np.testing.assert_allclose(binds["chip"], bindings["chip"], rtol=1e-6)
    assert (binds["motif"] == 0).all()


def test_known_edges_have_sign_and_magnitude_and_no_self_edge(graph, small):
    regulates = pairs_of(graph, REGULATES)
    known = small.known[small.known["source"] != small.known["target"]]
    known = known.set_index(["source", "target"]).sort_index()
    assert regulates.index.tolist() == known.index.tolist()
    np.testing.assert_allclose(regulates["sign"] * regulates["weight"], known["weight"], rtol=1e-6)


def test_opposite_edges_repeat_with_attributes_of_their_own(graph):
    for kind in (BINDS, NEAR, REGULATES):
        back = graph[opposite(kind)]
        assert torch.equal(back.edge_index, graph[kind].edge_index.flip(0))
        assert torch.equal(back.edge_attr, graph[kind].edge_attr)
        back.edge_attr.zero_()
        assert graph[kind].edge_attr.abs().sum() > 0


def test_coexpression_is_symmetric_and_strong(graph):
    edges = pairs_of(graph, COEXPRESSED)["correlation"]
    turned = edges.swaplevel().sort_index()
    pd.testing.assert_series_equal(edges, turned)
    degree = edges.groupby(level=0).size()
    assert degree.min() >= 3
    assert edges.abs().le(1).all()


def test_neighbours_are_the_most_correlated_of_all(graph):
    columns = [i for i, n in enumerate(graph[GENE].feature_names) if n.startswith("expression_")]
    x = graph[GENE].x[:, columns].double().numpy()
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    correlation = unit @ unit.T
    np.fill_diagonal(correlation, 0)
    best = np.argsort(-np.abs(correlation), axis=1)[:, :3]
    wanted = {(i, j) for i, row in enumerate(best) for j in row}
    wanted |= {(j, i) for i, j in wanted}
    assert {tuple(pair) for pair in graph[COEXPRESSED].edge_index.T.tolist()} == wanted


def test_features_come_back_in_their_units(graph, small):
    genes = gn.graph.features(graph, GENE)
    detected = np.asarray((small.mdata["rna"].X > 0).mean(axis=0)).ravel()
    np.testing.assert_allclose(genes["detected"], detected, atol=1e-5)
    peaks = gn.graph.features(graph, PEAK)
    var = small.mdata["atac"].var
    np.testing.assert_allclose(np.expm1(peaks["log_length"]), var["end"] - var["start"], rtol=1e-3)
    tfs = gn.graph.features(graph, TF)
    pd.testing.assert_frame_equal(tfs[genes.columns], genes.loc[tfs.index], check_exact=False)
    assert (tfs["measured"] == 1).all()


def test_features_are_standardised(graph):
    x = graph[GENE].x[:, -2:]
    assert torch.allclose(x.mean(0), torch.zeros(2), atol=1e-5)
    assert torch.allclose(x.std(0, correction=0), torch.ones(2), atol=1e-4)
    assert graph[GENE].x[:, :-2].square().mean().sqrt() == pytest.approx(1, rel=1e-4)


def test_order_of_cells_genes_and_peaks_changes_nothing(small, graph):
    rng = np.random.default_rng(1)
    mods = {}
    for name, part in small.mdata.mod.items():
        cells, columns = (rng.permutation(n) for n in part.shape)
        mods[name] = part[cells][:, columns].copy()
    tables = {key: table.sample(frac=1, random_state=2) for key, table in small.tables.items()}
    other = gn.graph.build(md.MuData(mods), **tables, n_components=5, n_neighbours=3)
    for kind in (GENE, TF, PEAK):
        one, two = (gn.graph.features(data, kind) for data in (graph, other))
        pd.testing.assert_frame_equal(one, two.loc[one.index], rtol=1e-5)
    for kind in graph.edge_types:
        pd.testing.assert_frame_equal(pairs_of(graph, kind), pairs_of(other, kind))


def test_same_seed_same_graph_and_input_untouched(small, graph):
    before = small.mdata["rna"].X.copy()
    again = gn.graph.build(small.mdata, **small.tables, n_components=5, n_neighbours=3)
    assert torch.equal(again[GENE].x, graph[GENE].x)
    assert (before != small.mdata["rna"].X).nnz == 0


def test_sequence_gc_and_tracks(small):
    regions = small.mdata["atac"].var
    signal = pd.DataFrame({"H3K4me3": np.arange(40.0)}, index=regions.index[::-1])
    levels = pd.Series(np.linspace(0, 1, 30), index=regions.index[:30], name="methylation")
    data = gn.graph.build(
        small.mdata,
        small.genome,
        **small.tables,
        n_components=4,
        signal=signal,
        methylation=levels,
        sequence_width=51,
    )
    assert data[PEAK].sequence.shape == (40, 51)
    assert data[PEAK].sequence.dtype == torch.uint8
    bare = regions[["chrom", "start", "end"]]
    np.testing.assert_array_equal(data[PEAK].sequence, small.genome.sequence(bare, width=51))
    peaks = gn.graph.features(data, PEAK)
    codes = small.genome.sequence(bare.iloc[[3]])
    assert peaks["gc"].iloc[3] == pytest.approx(np.isin(codes, [1, 2]).mean(), abs=1e-5)
    np.testing.assert_allclose(peaks["signal_H3K4me3"], np.arange(40)[::-1], atol=1e-4)
    np.testing.assert_allclose(peaks["methylation"].iloc[:30], levels, atol=1e-5)
    assert peaks["methylation_known"].round().tolist() == [1] * 30 + [0] * 10


def test_expression_alone(small):
    rna = small.mdata["rna"]
    data = gn.graph.build(rna, tfs=["TF1", "TF2", "absent"], n_components=4)
    assert data.node_types == [GENE, TF]
    assert data.edge_types == [COEXPRESSED]
    assert data[TF].name == ["TF1", "TF2"]


def test_genome_alone_makes_promoters_the_peaks(small):
    chip = pd.DataFrame({"chrom": "chr1", "start": [150], "end": [250], "tf": "TF2"})
    data = gn.graph.build(small.mdata["rna"], small.genome, evidence=chip, n_components=4)
    assert data[PEAK].num_nodes > 10
    assert data[BINDS].num_edges >= 1
    assert data[TF].name == ["TF2"]
    assert "gc" in data[PEAK].feature_names


def test_unpaired_cells_and_bulk(small):
    mods = {"rna": small.mdata["rna"][:20].copy(), "atac": small.mdata["atac"][30:].copy()}
    mods["rna"].obs_names = [f"sample{i}" for i in range(20)]
    data = gn.graph.build(md.MuData(mods), **small.tables, n_components=4)
    assert data.params["n_cells"] == 20
    assert data.params["n_cells_atac"] == 30


def test_tf_that_is_not_measured(small):
    known = pd.concat([small.known, pd.DataFrame({"source": ["OUT"], "target": "G1", "weight": 1})])
    data = gn.graph.build(small.mdata["rna"], known=known, n_components=4)
    at = data[TF].name.index("OUT")
    assert data[TF].gene[at] == -1
    assert (data[TF].x[at] == 0).all()
    assert gn.graph.features(data, TF)["measured"].tolist() == [
        float(n != "OUT") for n in data[TF].name
    ]


def test_fewer_cells_than_components_and_constant_genes(small):
    rna = small.mdata["rna"][:6].copy()
    rna.X = rna.X.toarray()
    rna.X[:, 4] = 0
    data = gn.graph.build(rna, tfs=["TF1"], n_components=32)
    assert data[GENE].x.shape[1] == 5 + 2
    assert (data[GENE].x[4, :5] == 0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"links": None}, "Nothing joins peaks to genes: pass genome="),
        ({"bindings": None, "known": None}, "No TF is known: pass tfs="),
        ({"tfs": ["X1", "X2"], "bindings": None, "known": None}, "None of the 2 TFs is a gene"),
        (
            {"links": pd.DataFrame({"peak": ["chr9:1-2"], "gene": "TF1", "weight": 1.0})},
            r"None of the 1 rows of links joins two nodes.*'chr9:1-2'",
        ),
        ({"links": pd.DataFrame({"peak": ["a"]})}, "links lacks the column"),
        ({"known": pd.DataFrame({"source": ["tf1"], "target": "g1"})}, "rows of known"),
        ({"sequence_width": 100}, "sequence_width= needs a sequence"),
        ({"signal": pd.DataFrame({"a": [1.0]}, index=["peak_1"])}, "signal knows none of the 40"),
        ({"n_neighbours": 1000}, "n_neighbours=1000 is out of range"),
        ({"evidence": [], "motifs": [], "bindings": None}, "Motifs are scanned in a sequence"),
    ],
)
def test_what_cannot_work_is_said(small, change, message):
    with pytest.raises(ValueError, match=message):
        gn.graph.build(small.mdata, **(small.tables | change))


def test_wrong_containers_are_refused(small):
    with pytest.raises(ValueError, match="no modality 'rna'; it has 'atac'"):
        gn.graph.build(md.MuData({"atac": small.mdata["atac"]}), tfs=["TF1"])
    with pytest.raises(TypeError, match="data is a DataFrame: expected MuData"):
        gn.graph.build(small.known, tfs=["TF1"])
    with pytest.raises(ValueError, match="2 cells x 24 genes are too few"):
        gn.graph.build(small.mdata["rna"][:2].copy(), tfs=["TF1"])
    broken = ad.AnnData(np.full((5, 3), np.nan), var=pd.DataFrame(index=["a", "b", "c"]))
    with pytest.raises(ValueError, match="NaN or infinite values in 3 column"):
        gn.graph.build(broken, tfs=["a"], n_neighbours=1)


@pytest.mark.parametrize("n_samples", [1, 2])
def test_accessibility_of_bulk_samples_is_enough(small, n_samples):
    bulk = small.mdata["atac"][:n_samples].copy()
    bulk.obs_names = [f"bulk{i}" for i in range(n_samples)]
    mdata = md.MuData({"rna": small.mdata["rna"].copy(), "atac": bulk})
    data = gn.graph.build(mdata, links=small.links, bindings=small.bindings)
    names = data["peak"].feature_names
    assert sum(name.startswith("accessibility_") for name in names) == n_samples - 1
    assert {"mean", "detected"} <= set(names)


def test_truncated_decomposition_is_that_of_numpy(small):
    rna = small.mdata["rna"]
    data = gn.graph.build(rna, tfs=["TF1"], n_components=6)
    counts = rna.X.toarray().astype(float)
    total = counts.sum(1, keepdims=True)
    logged = np.log1p(counts / total * np.median(total))
    z = (logged - logged.mean(0)) / logged.std(0) / np.sqrt(len(logged))
    _, strength, vectors = np.linalg.svd(z, full_matrices=False)
    wanted = vectors[:6].T * strength[:6]
    found = gn.graph.features(data, GENE).iloc[:, :6].to_numpy()
    np.testing.assert_allclose(np.abs(found), np.abs(wanted), atol=1e-5)
    np.testing.assert_allclose(found @ found.T, wanted @ wanted.T, atol=1e-5)


def test_networks_run_on_the_graph(graph):
    class Sage(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = SAGEConv((-1, -1), 8), SAGEConv((-1, -1), 4)

        def forward(self, x, edge_index):
            return self.two(self.one(x, edge_index).relu(), edge_index)

    torch.manual_seed(0)
    model = to_hetero(Sage(), graph.metadata())
    out = model(graph.x_dict, graph.edge_index_dict)
    assert {kind: value.shape[0] for kind, value in out.items()} == {
        kind: graph[kind].num_nodes for kind in graph.node_types
    }
    first = HeteroConv({kind: SAGEConv((-1, -1), 8) for kind in graph.edge_types})
    second = HGTConv(8, 4, graph.metadata())
    hidden = second(first(graph.x_dict, graph.edge_index_dict), graph.edge_index_dict)
    hidden[GENE].sum().backward()
    assert all(torch.isfinite(value).all() for value in hidden.values())


def test_the_graph_is_undirected_for_pyg(graph):
    again = ToUndirected(reduce="mean")(graph.clone())
    assert torch.equal(again[COEXPRESSED].edge_index, graph[COEXPRESSED].edge_index)
    assert graph.validate(raise_on_error=True)
