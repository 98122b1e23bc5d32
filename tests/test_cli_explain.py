"""`grnet explain`: from files to pages."""

import pandas as pd
import pytest

import grnet as gn
from grnet.cli.app import run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("explain")
    multiome = gn.datasets.simulate_multiome(n_cells=80, n_genes=40, n_tfs=5, seed=3)
    files = multiome.write(where)
    multiome.edges[["source", "target"]].to_csv(where / "known.csv", index=False)
    given = ["--annotation", files.annotation, "--genome", files.genome, "--atac", files.atac]
    more = ["--motifs", files.motifs, "--sequence-width", 200, "--known", where / "known.csv"]
    out = ["--out", where / "graph.safetensors"]
    assert run(["graph", "build", *map(str, [files.rna, *given, *more, *out])]) == 0
    return where


def explain(folder, *more):
    cells = ["--known", folder / "known.csv", "--counts", folder / "rna.h5ad"]
    quick = ["--max-epochs", 2, "--n-edges", 30]
    given = [folder / "graph.safetensors", *cells, *quick, *more]
    return run(["explain", *map(str, given)])


def test_the_graph_keeps_dna_and_motifs(folder):
    graph = gn.graph.load(folder / "graph.safetensors")
    assert graph["peak"].sequence.shape == (graph["peak"].num_nodes, 200)
    assert len(gn.graph.motifs_of(graph)) == 5


def test_pairs_are_explained_and_linked(folder, tmp_path, capsys):
    genes = ["--annotation", folder / "genes.gtf"]
    pairs = ["--pair", "TF1:G9", "--pair", "TF1:NOBODY", "--top", 1]
    assert explain(folder, *genes, *pairs, "--out", tmp_path / "out") == 0
    shown = capsys.readouterr().out
    assert "null: label rates" in shown
    assert "lost among the genes" in shown
    page = (tmp_path / "out" / "network.html").read_text(encoding="utf-8")
    assert "dossiers/TF1_G9.html" in page
    dossier = gn.explain.Dossier.from_json(tmp_path / "out" / "dossiers" / "TF1_G9.json")
    assert dossier.is_scored
    assert len(dossier.genes)
    held_out = pd.read_csv(tmp_path / "out" / "held_out.csv")
    assert held_out["auroc"].between(0, 1).all()
    network = gn.io.read_network(tmp_path / "out" / "network.tsv")
    assert len(network) == 30
    assert network.evidence is not None


def test_what_is_wrong_is_told_before_the_work_starts(folder, tmp_path, capsys):
    assert explain(folder, "--out", tmp_path) != 0
    assert "--pair TF:GENE" in capsys.readouterr().err
    assert explain(folder, "--pair", "TF1-G9", "--out", tmp_path) != 0
    assert "SPI1:CD14" in capsys.readouterr().err
    assert explain(folder, "--pair", "TF1:G9", "--groupby", "kind", "--out", tmp_path) != 0
    assert "column of the cells (--groupby) 'kind'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
