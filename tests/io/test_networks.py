"""Round trips of networks through every format, and the errors of damaged files."""

import gzip
import itertools
import json
import time
from dataclasses import replace

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import grnet as gn
from grnet.io.networks._layout import node_positions
from grnet.io.networks._style import effects

TABLES = [".tsv", ".tsv.gz", ".csv", ".csv.gz"]
GRAPHS = [".cx2", ".graphml", ".cyjs", ".json"]
WITH_NODES = [".parquet", ".sif", *GRAPHS]
WITH_PARAMS = [".parquet", *GRAPHS]
ALL = [*TABLES, *WITH_NODES]


def make(*, context: bool = False, seed: int = 0) -> gn.GRN:
    rng = np.random.default_rng(seed)
    pairs = [(f"TF{i}", f"G{j}") for i in range(5) for j in range(8) if rng.random() < 0.5]
    pairs += [("TF0", "TF1"), ("TF1", "TF0")]
    edges = pd.DataFrame(pairs, columns=["source", "target"])
    if context:
        edges = pd.concat([edges.assign(context=name) for name in ("B cell", "T cell")])
    n = len(edges)
    edges["weight"] = rng.normal(size=n)
    edges["fdr"] = np.where(rng.random(n) < 0.3, np.nan, rng.random(n))
    edges["n_regions"] = rng.integers(0, 9, n)
    edges["known"] = rng.random(n) < 0.5
    edges["note"] = np.where(rng.random(n) < 0.5, "strong, seen", 'a "quoted" <b> & é')
    names = sorted(set(edges["source"]) | set(edges["target"]))
    nodes = pd.DataFrame({"mean": rng.random(len(names)), "label": names}, index=names)
    nodes.loc["LONELY"] = [0.5, "lonely"]
    params = {"method": "boost", "seed": 3, "alpha": 0.1, "signed": True}
    return gn.GRN(edges, nodes=nodes, params=params)


def same_edges(found: gn.GRN, expected: gn.GRN) -> None:
    pd.testing.assert_frame_equal(found.edges, expected.edges, check_like=True)


@pytest.mark.parametrize("ending", ALL)
def test_round_trip_of_edges(tmp_path, ending):
    grn = make()
    path = gn.io.write_network(grn, tmp_path / "new folder" / f"net{ending}")
    assert path.is_file()
    found = gn.io.read_network(path)
    same_edges(found, grn)
    assert not list(path.parent.glob(".*.part"))


@pytest.mark.parametrize("ending", WITH_NODES)
def test_round_trip_of_nodes(tmp_path, ending):
    grn = make()
    found = gn.io.read_network(gn.io.write_network(grn, tmp_path / f"net{ending}"))
    expected = grn.drop_isolated().nodes
    pd.testing.assert_frame_equal(found.nodes, expected, check_like=True)
    kept = gn.io.write_network(grn, tmp_path / f"all{ending}", keep_isolated=True)
    assert "LONELY" in gn.io.read_network(kept).genes


@pytest.mark.parametrize("ending", WITH_PARAMS)
def test_round_trip_of_params(tmp_path, ending):
    grn = make()
    found = gn.io.read_network(gn.io.write_network(grn, tmp_path / f"net{ending}"))
    assert dict(found.params) == dict(grn.params)
    assert {k: type(v) for k, v in found.params.items()} == {
        k: type(v) for k, v in grn.params.items()
    }


@pytest.mark.parametrize("ending", [e for e in ALL if e != ".sif"])
def test_contexts_survive(tmp_path, ending):
    grn = make(context=True)
    same_edges(gn.io.read_network(gn.io.write_network(grn, tmp_path / f"net{ending}")), grn)


def test_sif_refuses_contexts_and_tabs(tmp_path):
    with pytest.raises(ValueError, match=r"one file per context.*\.cx2"):
        gn.io.write_network(make(context=True), tmp_path / "net.sif")
    edges = pd.DataFrame({"source": ["A\tB"], "target": ["C"], "weight": [1.0]})
    with pytest.raises(ValueError, match=r"names? hold|name\(s\) hold"):
        gn.io.write_network(gn.GRN(edges), tmp_path / "net.sif")
    assert not list(tmp_path.iterdir())


name = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1).filter(
    lambda text: text == text.strip() and text
)
rows = st.dictionaries(
    st.tuples(name, name),
    st.floats(allow_nan=False, allow_infinity=False),
    min_size=1,
    max_size=8,
)


@pytest.mark.parametrize("ending", [".tsv", ".csv", ".parquet", ".sif", *GRAPHS])
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=rows)
def test_any_name_and_weight_survives(tmp_path, ending, rows):
    edges = pd.DataFrame([(*pair, w) for pair, w in rows.items()])
    grn = gn.GRN(edges.set_axis(["source", "target", "weight"], axis=1))
    same_edges(gn.io.read_network(gn.io.write_network(grn, tmp_path / f"net{ending}")), grn)


@pytest.mark.parametrize("ending", ALL)
def test_names_stay_names(tmp_path, ending):
    edges = pd.DataFrame(
        {"source": ["NA", "0012"], "target": ["nan", "1e5"], "weight": [1.0, -2.0]}
    )
    found = gn.io.read_network(gn.io.write_network(gn.GRN(edges), tmp_path / f"net{ending}"))
    assert found.genes == ["0012", "1e5", "NA", "nan"]


def test_the_same_network_gives_the_same_bytes(tmp_path):
    for ending in ALL:
        first = gn.io.write_network(make(), tmp_path / "a" / f"net{ending}")
        again = gn.io.write_network(make(), tmp_path / "b" / f"net{ending}")
        assert first.read_bytes() == again.read_bytes(), ending


def test_sif_tables_are_keyed_as_cytoscape_has_it(tmp_path):
    path = gn.io.write_network(make(), tmp_path / "net.sif")
    keys = pd.read_csv(tmp_path / "net.edges.tsv", sep="\t")["name"]
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    assert set(keys) == {f"{s} ({kind}) {t}" for s, kind, t in lines}
    assert {kind for _, kind, _ in lines} == {"activates", "represses"}
    nodes = pd.read_csv(tmp_path / "net.nodes.tsv", sep="\t")
    assert nodes.columns[0] == "name"


def test_graphml_is_typed_and_directed(tmp_path):
    path = gn.io.write_network(make(), tmp_path / "net.graphml")
    text = path.read_text()
    for attribute, kind in {"weight": "double", "known": "boolean", "n_regions": "long"}.items():
        assert f'attr.name="{attribute}" attr.type="{kind}"' in text
    graph = nx.read_graphml(path)
    assert graph.is_directed()
    assert graph["TF0"]["TF1"]["interaction"] in {"activates", "represses"}


def test_cytoscape_exports_are_read(tmp_path):
    exported = {
        "data": {"name": "net", "shared_name": "net", "SUID": 52, "organism": "human"},
        "elements": {
            "nodes": [
                {"data": {"id": "62", "SUID": 62, "name": "TP53", "selected": False}},
                {"data": {"id": "63", "SUID": 63, "name": "MDM2", "selected": False}},
            ],
            "edges": [{"data": {"id": "70", "source": "62", "target": "63", "weight": 1.5}}],
        },
    }
    path = tmp_path / "net.cyjs"
    path.write_text(json.dumps(exported))
    found = gn.io.read_network(path)
    assert found.edges.astype(object).to_numpy().tolist() == [["TP53", "MDM2", 1.5]]
    assert dict(found.params) == {"organism": "human"}


@pytest.mark.parametrize("ending", ["csv", "tsv", "txt"])
@pytest.mark.parametrize("separator", [",", "\t", ";", " ", ", "])
def test_the_separator_is_found_whatever_the_ending(tmp_path, ending, separator):
    path = tmp_path / f"net.{ending}"
    rows = [("source", "target", "weight"), ("001", "NA", "2.5"), ("G,1", "G 2", "-1")]
    quoted = [[f'"{cell}"' for cell in row] for row in rows]
    path.write_text("\n" + "\n".join(map(separator.join, [rows[0], *quoted[1:]])) + "\n")
    edges = gn.io.read_network(path).edges
    assert edges["source"].tolist() == ["001", "G,1"]
    assert edges["target"].tolist() == ["NA", "G 2"]
    assert edges["weight"].tolist() == [2.5, -1.0]


def test_foreign_tables_are_read(tmp_path):
    scenic = tmp_path / "adj.csv"
    scenic.write_text("TF,target,importance\nA,B,2.5\nA,C,1.5\n")
    renamed = gn.io.read_network(scenic, columns={"TF": "source", "importance": "weight"})
    assert renamed.edges["weight"].tolist() == [2.5, 1.5]
    scenic.write_text("TF,target,importance\n0012,NA,2.5\n")
    renamed = gn.io.read_network(scenic, columns={"TF": "source", "importance": "weight"})
    assert renamed.genes == ["0012", "NA"]
    graph = gn.io.write_network(make(), tmp_path / "net.graphml")
    found = gn.io.read_network(graph, columns={"weight": "old", "fdr": "q", "n_regions": "weight"})
    assert {"old", "q"} < set(found.edges)
    with pytest.raises(TypeError, match="for text tables without a header"):
        gn.io.read_network(graph, columns=["source", "target", "weight"])
    bare = tmp_path / "bare.tsv"
    bare.write_text("A\tB\t0.5\n")
    found = gn.io.read_network(bare, columns=["source", "target", "weight"])
    assert found.genes == ["A", "B"]
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("source,target\nA,B\n")
    assert gn.io.read_network(pairs, weight=1.0).edges["weight"].tolist() == [1.0]
    sif = tmp_path / "old.sif"
    sif.write_text("A\tpp\tB\tC\nLONE\n")
    assert gn.io.read_network(sif, weight=2.0).edges["target"].tolist() == ["B", "C"]


@pytest.mark.parametrize(
    "case",
    [
        ("x.tsv", "source\ttarget\nA\tB\n", r"x\.tsv.*no 'weight'.*weight=1\.0"),
        ("x.csv", "TF,gene,w\nA,B,1\n", r"x\.csv.*no 'source', 'target', 'weight'.*columns="),
        ("x.tsv", "source\ttarget\tweight\n", r"x\.tsv holds no edge"),
        ("x.tsv", "", r"x\.tsv is empty"),
        ("x.tsv", "source\ttarget\tweight\nA\tB\thigh\n", r"'weight'.*'high' in edge 1 \(A -> B\)"),
        ("x.tsv", "source\ttarget\tweight\nA\tB\t\n", r"'weight'.*'nan' in edge 1"),
        ("x.tsv", "source\ttarget\tweight\nA\tB\t1\nA\tB\t2\n", r"x\.tsv: 1 pairs occur more"),
        ("x.tsv", "source\ttarget\tweight\nA\tB\t1\t5\t6\nC\tD\t1\n", "not a regular table"),
        ("x.tsv", "source\ttarget\tweight\tweight\nA\tB\t1\t2\n", "two columns 'weight'"),
        ("x.cx2", "{", r"x\.cx2 is not JSON.*damaged or cut"),
        ("x.cx2", "[]", r"x\.cx2: it is not CX version 2"),
        ("x.cx2", '[{"CXVersion":"2.0"},{"edges":[{"id":0}]}]', r"x\.cx2 is not a network"),
        ("x.cyjs", '{"nodes": []}', r"x\.cyjs: it has 'nodes' but no 'elements'"),
        ("x.graphml", "<graphml>", r"x\.graphml is not readable GraphML"),
        ("x.graphml", '<graphml><graph edgedefault="undirected"/></graphml>', "x.graphml"),
        ("x.sif", "A\tpp\tB\n", r"x\.sif.*no 'weight'"),
        ("x.sif", "A\tB\n", r"x\.sif, line 1: expected source, interaction and target"),
        ("x.parquet", "no parquet", r"x\.parquet is not a readable Parquet file"),
        ("x.xlsx", "", r"'x\.xlsx' does not end like a network file.*\.cx2"),
    ],
)
def test_malformed_files_are_named(tmp_path, case):
    file, text, message = case
    path = tmp_path / file
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        gn.io.read_network(path)


def test_missing_truncated_and_mismatched_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*none\.tsv"):
        gn.io.read_network(tmp_path / "none.tsv")
    path = gn.io.write_network(make(), tmp_path / "net.tsv.gz")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match=r"net\.tsv\.gz is damaged or truncated"):
        gn.io.read_network(path)
    sif = gn.io.write_network(make(), tmp_path / "net.sif")
    sif.write_text("A\tpp\tB\n")
    with pytest.raises(ValueError, match=r"net\.edges\.tsv beside it hold different edges"):
        gn.io.read_network(sif)
    table = gn.io.write_network(make(), tmp_path / "net.tsv")
    with pytest.raises(ValueError, match=r"no column 'TF'"):
        gn.io.read_network(table, columns={"TF": "source"})


def test_what_cannot_be_written(tmp_path):
    grn = make()
    with pytest.raises(ValueError, match=r"expected one of \.tsv"):
        gn.io.write_network(grn, tmp_path / "net.docx")
    with pytest.raises(ValueError, match="has no edges"):
        gn.io.write_network(grn.filter(min_weight=1e9), tmp_path / "net.tsv")
    (tmp_path / "folder.tsv").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        gn.io.write_network(grn, tmp_path / "folder.tsv")
    infinite = gn.GRN(grn.edges.assign(score=np.inf))
    with pytest.raises(ValueError, match=r"'score' holds infinite values"):
        gn.io.write_network(infinite, tmp_path / "net.cx2")
    taken = replace(grn, nodes=grn.nodes.assign(name="x"))
    with pytest.raises(ValueError, match=r"grn\.nodes has a column"):
        gn.io.write_network(taken, tmp_path / "net.graphml")
    control = gn.GRN(pd.DataFrame({"source": ["A\x01"], "target": ["B"], "weight": [1.0]}))
    with pytest.raises(ValueError, match="XML cannot hold"):
        gn.io.write_network(control, tmp_path / "net.graphml")
    assert not (tmp_path / "net.cx2").exists()


@pytest.mark.parametrize("ending", ["tsv", "csv.gz", "parquet", "cx2", "graphml", "cyjs", "sif"])
def test_evidence_lies_beside_the_network_and_comes_back(tmp_path, ending):
    grn = make()
    if ending == "sif" and "context" in grn.edges:
        pytest.skip("SIF holds one context")
    pair = grn.edges[["source", "target"]].astype(str).iloc[:2]
    evidence = pair.assign(region=["chr1:1-2", "chr2:3-4"], chip=[0.5, np.nan])
    path = gn.io.write_network(replace(grn, evidence=evidence), tmp_path / f"net.{ending}")
    assert (tmp_path / "net.evidence.tsv").is_file()
    back = gn.io.read_network(path).evidence.astype({"source": str, "target": str, "region": str})
    pd.testing.assert_frame_equal(back, evidence.reset_index(drop=True))
    gn.io.write_network(replace(grn, evidence=None), path)
    assert gn.io.read_network(path).evidence is None, "that of the older network is gone"


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = gn.io.write_network(make(), tmp_path / "net.cx2")
    before = path.read_bytes()
    broken = gn.GRN(make().edges.assign(score=np.inf))
    with pytest.raises(ValueError, match="infinite"):
        gn.io.write_network(broken, path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["net.cx2"]


def test_gzip_is_gzip(tmp_path):
    path = gn.io.write_network(make(), tmp_path / "net.tsv.gz")
    assert gzip.decompress(path.read_bytes()).decode().startswith("source\ttarget\tweight")


def test_effects_come_from_sign_then_weight():
    edges = pd.DataFrame({"source": list("AAB"), "target": list("BCC"), "weight": [1.0, 2.0, 3.0]})
    assert set(effects(edges, {})) == {"regulates"}
    assert set(effects(edges, {"signed": True})) == {"activates"}
    assert list(effects(edges.assign(weight=[1.0, -2.0, 0.0]), {})) == [
        "activates",
        "represses",
        "regulates",
    ]
    for sign in (["+", "-", "?"], [1, -1, 0]):
        assert list(effects(edges.assign(sign=sign), {"signed": False})) == [
            "activates",
            "represses",
            "regulates",
        ]


def test_own_interaction_column_is_kept(tmp_path):
    grn = gn.GRN(make().edges.assign(interaction="binds"))
    for ending in GRAPHS:
        same_edges(gn.io.read_network(gn.io.write_network(grn, tmp_path / f"net{ending}")), grn)


@pytest.mark.parametrize(("n_tfs", "n_genes"), [(1, 1), (3, 30), (40, 1300)])
def test_layout_has_no_overlap_and_keeps_neighbours_near(n_tfs, n_genes):
    pairs = [(f"TF{gene % n_tfs}", f"G{gene}") for gene in range(n_genes)]
    pairs += list(itertools.pairwise(f"TF{number}" for number in range(n_tfs)))
    edges = pd.DataFrame(pairs, columns=["source", "target"]).assign(weight=1.0)
    grn = gn.GRN(edges)
    points = pd.DataFrame(node_positions(grn, width=70, height=40), index=grn.nodes.index)
    unit = points.to_numpy() / [70, 40]
    gaps = np.abs(unit[:, None] - unit[None]).max(axis=2) + 2 * np.eye(len(unit))
    assert gaps.min() > 0.99
    linked = points.loc[edges["source"]].to_numpy() - points.loc[edges["target"]].to_numpy()
    anyhow = points.sample(frac=1, random_state=0).to_numpy() - points.to_numpy()
    if n_genes > 10:
        near, far = (np.median(np.linalg.norm(way, axis=1)) for way in (linked, anyhow))
        assert near < 0.75 * far
    again = node_positions(grn, width=70, height=40)
    np.testing.assert_array_equal(points, again)


def test_large_networks_take_seconds(tmp_path):
    rng = np.random.default_rng(0)
    pairs = rng.choice(500 * 9_000, 300_000, replace=False)
    edges = pd.DataFrame(
        {
            "source": pd.Categorical.from_codes(pairs // 9_000, [f"TF{i}" for i in range(500)]),
            "target": pd.Categorical.from_codes(pairs % 9_000, [f"G{i}" for i in range(9_000)]),
            "weight": rng.normal(size=len(pairs)),
        }
    )
    grn = gn.GRN(edges)
    for ending in (".parquet", ".tsv"):
        start = time.perf_counter()
        path = gn.io.write_network(grn, tmp_path / f"net{ending}")
        assert time.perf_counter() - start < 15.0
        same_edges(gn.io.read_network(path), grn)
