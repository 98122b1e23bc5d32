"""The README says what the code says."""

import sys
from pathlib import Path

import numpy as np

import grnet as gn

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import readme  # noqa: E402 - found through the line above


def test_table_of_methods_is_that_of_the_catalogue():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.with_methods(text) == text, "run `python -m benchmarks.readme`"
    for method in gn.infer.methods.index:
        assert f"| `{method}` |" in text


def script(number):
    """A script of the README, and the block of output that follows it."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return text.split("```python\n")[number].split("```")[0:3:2]


def holds_scores(printed, scores):
    """Whether each row is printed, to what rounding on other processors may change."""
    rows = {}
    for line in printed.splitlines():
        name, *numbers = line.strip().rsplit(maxsplit=3) or [""]
        rows[name] = numbers
    return all(
        np.allclose([float(x) for x in rows[row.ranking]], row[2:], rtol=0, atol=0.003)
        for row in scores[["ranking", "auroc", "auprc_ratio", "epr"]].itertuples()
    )


def test_first_script_runs_and_prints_what_it_says(tmp_path, monkeypatch, capsys):
    code, printed = script(1)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    shown = capsys.readouterr().out.strip()
    assert shown.splitlines()[0] == printed.strip().splitlines()[0]
    scores = gn.evaluate.score(names["grn"], names["truth"], adata=names["adata"])
    assert holds_scores(printed, scores)
    assert (tmp_path / "network.html").stat().st_size > 100_000


def test_second_script_runs_and_prints_what_it_says(tmp_path, monkeypatch):
    code, printed = script(2)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert holds_scores(printed, names["scores"])
    assert (tmp_path / "network.evidence.tsv").is_file()
    assert {"motif", "chip", "distance", "correlation"} <= set(names["grn"].evidence.columns)


def test_third_script_runs_and_its_model_comes_back(tmp_path, monkeypatch, capsys):
    code, _ = script(3)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert "auroc" in capsys.readouterr().out
    back = gn.models.load(tmp_path / "binding.safetensors")
    assert back.facts["tasks"] == list(names["windows"].names)


def test_fourth_script_says_what_a_model_knows(capsys):
    code = script(4)[0]
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    shown = capsys.readouterr().out
    assert "auroc_rates" in shown
    assert "probability" in shown
    assert sum(line.startswith("gnn knows") for line in shown.splitlines()) == 2
    network = shown.splitlines()[-6:]
    assert network[0].split() == ["source", "target", "weight", "known", "stability"]
    assert not any("True" in line for line in network), "edges of the list are left out"


def test_fifth_script_opens_an_edge(tmp_path, monkeypatch, capsys):
    code = script(5)[0]
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    shown = capsys.readouterr().out
    assert "expression + graph + dna" in shown
    dossier = names["dossier"]
    assert abs(dossier.residual) <= 0.01 * abs(dossier.logit - dossier.baseline)
    page = (tmp_path / "network.html").read_text(encoding="utf-8")
    assert all(link in page for link in names["links"].values())
    assert (tmp_path / "dossier.png").stat().st_size > 10_000
