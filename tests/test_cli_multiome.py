"""The commands that take peaks, motifs and ChIP-seq."""

import pandas as pd
import pytest

import grnet as gn
from grnet.cli.app import run


@pytest.fixture(scope="module")
def multiome():
    return gn.datasets.simulate_multiome(n_cells=80, n_genes=40, n_tfs=4, seed=3)


@pytest.fixture(scope="module")
def files(multiome, tmp_path_factory):
    return multiome.write(tmp_path_factory.mktemp("multiome"))


def build(files, out, *more):
    given = [str(files.rna), "--annotation", str(files.annotation), "--out", str(out)]
    return run(["graph", "build", *given, *map(str, more)])


def test_graph_is_built_from_files(files, multiome, tmp_path, capsys):
    out, prior = tmp_path / "graph.safetensors", tmp_path / "prior.tsv"
    layers = ("--genome", files.genome, "--fragments", files.fragments, "--peaks", files.peaks)
    more = ("--evidence", files.chip, "--motifs", files.motifs, "--prior", prior)
    truth = files.truth / "edges.tsv"
    known = ("--known", truth, "--held-out", 0.25)
    assert build(files, out, *layers, *more, *known, "--max-distance", 50_000) == 0
    assert "tf binds peak" in capsys.readouterr().out
    graph = gn.graph.load(out)
    assert set(graph["gene"].name) == set(multiome.mdata["rna"].var_names)
    assert set(graph["peak"].name) == set(multiome.mdata["atac"].var_names)
    assert set(graph["tf"].name) == {tf for motif in multiome.motifs for tf in motif.tfs}
    held_out = graph["tf", "regulates", "gene"].edge_label_index
    assert held_out.shape[1] == pytest.approx(0.25 * len(multiome.edges), abs=1)
    written = gn.io.read_network(prior)
    assert {"motif", "chip", "link"} <= set(written.evidence.columns)
    found = set(zip(written.edges["source"], written.edges["target"], strict=True))
    planted = set(zip(multiome.edges["source"], multiome.edges["target"], strict=True))
    assert len(found & planted) > 0.5 * len(planted)


def test_graph_without_peaks_stands_on_promoters(files, tmp_path):
    out = tmp_path / "graph.safetensors"
    more = ("--genome", files.genome, "--motifs", files.motifs, "--links", "promoter")
    assert build(files, out, *more) == 0
    graph = gn.graph.load(out)
    assert graph["peak", "near", "gene"].edge_index.shape[1] == len(graph["gene"].name)


def test_a_matrix_of_peaks_and_peaks_alone_give_the_same_links(files, tmp_path):
    graphs = []
    for i, peaks in enumerate((("--atac", files.atac), ("--peaks", files.peaks))):
        out = tmp_path / f"{i}.safetensors"
        tf = next(files.chip.iterdir())
        evidence = ("--evidence", f"{tf.stem}={tf}", "--links", "distance")
        assert build(files, out, *peaks, *evidence) == 0
        graph = gn.graph.load(out)
        near = graph["peak", "near", "gene"].edge_index
        names, genes = graph["peak"].name, graph["gene"].name
        graphs.append({(names[i], genes[j]) for i, j in near.T.tolist()})
    assert graphs[0] == graphs[1]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--motifs", "m.meme"), "give --genome"),
        (("--prior", "p.tsv"), "give --evidence or --motifs"),
    ],
)
def test_what_is_missing_is_told_before_the_work(files, tmp_path, capsys, more, message):
    assert build(files, tmp_path / "graph.safetensors", *more) == 2
    assert message in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_a_prior_that_could_not_be_written_is_told_before_the_work(files, tmp_path, capsys):
    more = ("--evidence", files.chip, "--prior", "p.xyz")
    assert build(files, tmp_path / "graph.safetensors", *more) == 1
    assert "does not end like a network file" in " ".join(capsys.readouterr().err.split())
    assert not list(tmp_path.iterdir())


def test_graphs_are_written_in_one_format(files, tmp_path, capsys):
    assert build(files, tmp_path / "graph.pt") == 2
    assert ".safetensors" in capsys.readouterr().err


def test_motifs_are_scanned_into_a_table(files, multiome, tmp_path, capsys):
    out = tmp_path / "hits.parquet"
    given = ["--genome", str(files.genome), "--peaks", str(files.peaks), "--out", str(out)]
    assert run(["motifs", "scan", str(files.motifs), *given]) == 0
    assert "hits of 4 TFs" in capsys.readouterr().out
    hits = pd.read_parquet(out)
    peaks = multiome.mdata["atac"].var[["chrom", "start", "end"]]
    expected = gn.cis.scan_motifs(multiome.genome, peaks, multiome.motifs)
    assert len(hits) == len(expected)
    assert run(["motifs", "scan", str(files.motifs), *given[:-1], "hits.xlsx"]) == 1
    assert "Cannot tell a format" in capsys.readouterr().err
