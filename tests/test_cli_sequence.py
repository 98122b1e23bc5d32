"""`grnet sequence train` and `predict`."""

import numpy as np
import pandas as pd
import pytest

import grnet as gn
from grnet.cli.app import run


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (200, 50)).astype(np.uint8)
    codes[::2, 20:28] = gn.dna.to_codes("TGACTCAT")
    texts = [gn.dna.to_text(row) for row in codes]
    path = tmp_path / "labelled.csv"
    pd.DataFrame({"sequence": texts, "AP1": np.arange(200) % 2 == 0}).astype({"AP1": int}).to_csv(
        path, index=False
    )
    return path


def test_a_table_trains_a_model_that_predicts(table, tmp_path, capsys):
    model, out = tmp_path / "model.safetensors", tmp_path / "scores.tsv"
    how = ["--method", "gapped_kmers"]
    assert run(["sequence", "train", str(table), "--out", str(model), *how]) == 0
    assert "AP1" in capsys.readouterr().out
    assert pd.read_csv(tmp_path / "model.scores.tsv", sep="\t")["auroc"].item() > 0.9
    given = ["--sequences", str(table), "--out", str(out)]
    assert run(["sequence", "predict", str(model), *given]) == 0
    predicted = pd.read_csv(out, sep="\t")
    assert len(predicted) == 200
    assert gn.models.load(model).facts["tasks"] == ["AP1"]


def test_regions_of_a_genome_are_predicted(tmp_path):
    letters = "".join(np.random.default_rng(0).choice(list("ACGT"), 500))
    fasta, bed = tmp_path / "genome.fa", tmp_path / "regions.bed"
    fasta.write_text(f">chrI\n{letters}\n")
    bed.write_text("1\t100\t160\n1\t300\t360\n")
    model = gn.models.save(
        gn.models.SequenceCNN(), tmp_path / "m.safetensors", facts={"tasks": ["A"], "length": 60}
    )
    out = tmp_path / "out.tsv"
    given = ["--genome", str(fasta), "--regions", str(bed), "--out", str(out)]
    assert run(["sequence", "predict", str(model), *given]) == 0
    table = pd.read_csv(out, sep="\t")
    assert table[["chrom", "start"]].to_numpy().tolist() == [["chrI", 100], ["chrI", 300]]
    expected = gn.models.predict(
        gn.models.load(model), gn.io.Genome(fasta).sequence(table[["chrom", "start", "end"]])
    )
    np.testing.assert_allclose(table["A"], expected[:, 0], atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["train", "--out", "m.safetensors"], "Give either a table of labelled sequences"),
        (["predict", "missing.safetensors", "--out", "o.tsv"], "does not exist"),
    ],
)
def test_what_is_missing_is_told(arguments, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["sequence", *arguments]) == 1
    assert told in " ".join(capsys.readouterr().err.split())


def test_a_table_without_sequences_is_told(tmp_path, capsys):
    path = tmp_path / "wrong.csv"
    path.write_text("seq,y\nACGT,1\n")
    assert run(["sequence", "train", str(path), "--out", str(tmp_path / "m.safetensors")]) == 1
    assert "expected 'sequence' and one or" in " ".join(capsys.readouterr().err.split())
