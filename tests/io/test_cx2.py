"""CX2 as ndex2 and Cytoscape read it."""

import json

import numpy as np
import pandas as pd
import pytest

import grnet as gn

ndex2_cx2 = pytest.importorskip("ndex2.cx2", reason="ndex2 validates CX2: grnet[cytoscape]")


@pytest.fixture
def grn() -> gn.GRN:
    edges = pd.DataFrame(
        {
            "source": ["TF1", "TF1", "TF2", "TF2"],
            "target": ["TF2", "A", "A", "B"],
            "weight": [0.9, -0.5, 0.2, -0.7],
            "fdr": [0.01, np.nan, 0.2, 0.04],
            "n_regions": [1, 2, 3, 4],
        }
    )
    nodes = pd.DataFrame({"mean": [1.5, 2.5]}, index=["TF1", "A"])
    return gn.GRN(edges, nodes=nodes, params={"method": "ridge", "seed": 1, "signed": True})


def load(path):
    network = ndex2_cx2.RawCX2NetworkFactory().get_cx2network(json.loads(path.read_text()))
    names = {number: node["v"]["name"] for number, node in network.get_nodes().items()}
    return network, names


def test_ndex2_reads_what_was_written(grn, tmp_path):
    path = gn.io.write_cx2(grn, tmp_path / "net.cx2")
    network, names = load(path)
    assert sorted(names.values()) == grn.genes
    found = {
        (names[edge["s"]], names[edge["t"]]): edge["v"] for edge in network.get_edges().values()
    }
    expected = grn.edges.astype({"source": str, "target": str})
    assert set(found) == set(zip(expected["source"], expected["target"], strict=True))
    for row in expected.to_dict("records"):
        values = found[row["source"], row["target"]]
        assert values["weight"] == row["weight"]
        assert values["n_regions"] == row["n_regions"]
        assert values["interaction"] == ("activates" if row["weight"] > 0 else "represses")
        assert ("fdr" in values) == (not np.isnan(row["fdr"]))
    attributes = network.get_network_attributes()
    assert attributes["name"] == "net"
    assert attributes["method"] == "ridge"
    types = network.get_attribute_declarations()["nodes"]
    assert types["is_tf"]["d"] == "boolean"
    assert {node["v"]["name"]: node["v"]["is_tf"] for node in network.get_nodes().values()} == {
        "TF1": True,
        "TF2": True,
        "A": False,
        "B": False,
    }


def test_what_ndex2_writes_is_read(grn, tmp_path):
    network, _ = load(gn.io.write_cx2(grn, tmp_path / "net.cx2"))
    again = tmp_path / "again.cx2"
    again.write_text(json.dumps(network.to_cx2()))
    found = gn.io.read_network(again)
    pd.testing.assert_frame_equal(found.edges, grn.edges, check_like=True)
    pd.testing.assert_frame_equal(found.nodes, grn.nodes, check_like=True)


def test_aliases_defaults_and_fragments_are_read(tmp_path):
    declared = {
        "edges": {"weight": {"d": "double", "a": "w", "v": 0.25}},
        "nodes": {"name": {"a": "n"}},
    }
    aspects = [
        {"CXVersion": "2.0", "hasFragments": True},
        {"attributeDeclarations": [declared]},
        {"nodes": [{"id": 7, "v": {"n": "X"}}]},
        {"edges": [{"id": 1, "s": 7, "t": 9, "v": {"w": 2.0}}]},
        {"nodes": [{"id": 9, "v": {"n": "Y"}}]},
        {"edges": [{"id": 2, "s": 9, "t": 7, "v": {}}]},
        {"status": [{"success": True}]},
    ]
    path = tmp_path / "net.cx2"
    path.write_text(json.dumps(aspects))
    edges = gn.io.read_network(path).edges
    assert edges.astype(object).to_numpy().tolist() == [["X", "Y", 2.0], ["Y", "X", 0.25]]


def test_aspects_are_counted_and_in_order(grn, tmp_path):
    aspects = json.loads(gn.io.write_cx2(grn, tmp_path / "net.cx2").read_text())
    assert aspects[0] == {"CXVersion": "2.0", "hasFragments": False}
    assert aspects[-1] == {"status": [{"success": True}]}
    counts = {entry["name"]: entry["elementCount"] for entry in aspects[1]["metaData"]}
    held = {key: value for piece in aspects[2:-1] for key, value in piece.items()}
    assert counts == {key: len(value) for key, value in held.items()}
    assert list(held)[:2] == ["attributeDeclarations", "networkAttributes"]
    positions = [(node["x"], node["y"]) for node in held["nodes"]]
    assert len(set(positions)) == len(positions)


def seen_width(style: dict, weight: float) -> float:
    """Apply a continuous mapping as Cytoscape does."""
    pieces = style["edgeMapping"]["EDGE_WIDTH"]["definition"]["map"]
    inside = [p for p in pieces if "min" in p and "max" in p and p["min"] <= weight <= p["max"]]
    piece = inside[0]
    share = (weight - piece["min"]) / (piece["max"] - piece["min"])
    return piece["minVPValue"] + share * (piece["maxVPValue"] - piece["minVPValue"])


def test_style_maps_kind_effect_and_weight(grn, tmp_path):
    aspects = json.loads(gn.io.write_cx2(grn, tmp_path / "net.cx2").read_text())
    style = next(piece["visualProperties"][0] for piece in aspects if "visualProperties" in piece)

    def discrete(group: str, key: str) -> dict:
        definition = style[group][key]["definition"]
        return {pair["v"]: pair["vp"] for pair in definition["map"]}

    assert discrete("nodeMapping", "NODE_SHAPE") == {True: "diamond", False: "ellipse"}
    arrows = discrete("edgeMapping", "EDGE_TARGET_ARROW_SHAPE")
    assert (arrows["activates"], arrows["represses"]) == ("triangle", "tee")
    colours = discrete("edgeMapping", "EDGE_LINE_COLOR")
    assert colours["activates"] != colours["represses"]
    assert style["nodeMapping"]["NODE_LABEL"]["definition"]["attribute"] == "name"
    widths = [seen_width(style, weight) for weight in (0.2, -0.5, -0.7, 0.9)]
    assert widths == sorted(widths)
    assert widths[0] < widths[-1]
    assert seen_width(style, -0.9) == pytest.approx(seen_width(style, 0.9))


def test_unsigned_and_equal_weights_have_a_style(tmp_path):
    edges = pd.DataFrame({"source": ["A", "B"], "target": ["B", "C"], "weight": [1.0, 1.0]})
    path = gn.io.write_cx2(gn.GRN(edges), tmp_path / "net.cx2")
    network, _ = load(path)
    assert {edge["v"]["interaction"] for edge in network.get_edges().values()} == {"regulates"}
    style = network.get_visual_properties()
    assert np.isfinite(seen_width(style, 1.0))


def test_reduction_writes_the_full_table_beside(grn, tmp_path):
    path = gn.io.write_cx2(grn, tmp_path / "net.cx2", max_edges=2)
    assert gn.io.read_network(path).edges["weight"].tolist() == [0.9, -0.7]
    table = pd.read_csv(tmp_path / "net.edges.tsv", sep="\t")
    assert len(table) == 4


def test_a_reduced_network_keeps_its_signs(grn, tmp_path):
    unstamped = gn.GRN(grn.edges)
    network, _ = load(gn.io.write_cx2(unstamped, tmp_path / "net.cx2", max_edges=1))
    assert [edge["v"]["interaction"] for edge in network.get_edges().values()] == ["activates"]
