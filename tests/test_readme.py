"""The README says what the code says."""

import sys
from pathlib import Path

import grnet as gn

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import readme  # noqa: E402 - found through the line above


def test_table_of_methods_is_that_of_the_catalogue():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.with_methods(text) == text, "run `python -m benchmarks.readme`"
    for method in gn.infer.methods.index:
        assert f"| `{method}` |" in text


def test_first_script_runs_and_prints_what_it_says(tmp_path, monkeypatch, capsys):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    script, printed = text.partition("```python\n")[2].split("```")[0:3:2]
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(script, "README.md", "exec"), names)
    shown = capsys.readouterr().out.strip()
    assert shown.splitlines()[0] == printed.strip().splitlines()[0]
    scores = gn.evaluate.score(names["grn"], names["truth"], adata=names["adata"])
    table = scores[["ranking", "auroc", "auprc_ratio", "epr"]].round(3).to_string(index=False)
    for line in table.splitlines():
        assert " ".join(line.split()) in " ".join(printed.split())
    assert (tmp_path / "network.html").stat().st_size > 100_000
