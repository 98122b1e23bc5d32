"""The file that fragments are timed on is like a real one."""

from pathlib import Path

import pandas as pd

from grnet.io.fragments._blocks import header_of

ROOT = Path(__file__).resolve().parents[1]


def test_tiled_fragments_are_sorted_and_counted(real_data, tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(ROOT)
    monkeypatch.setenv("GRNET_DATA", str(real_data))
    from benchmarks import fragments

    source = pd.read_csv(
        real_data / "yeast" / "atac" / "fragments_SRR1822137.tsv.gz", sep="\t", header=None
    )
    monkeypatch.setattr(fragments.pd, "read_csv", lambda *_, **kw: named(source, kw["names"]))
    path = tmp_path / "tiled.tsv.gz"
    fragments.write_tiled(path, 4_000, 7)
    table = pd.read_table(path, header=None)
    assert fragments.rows_in(path) == len(table) == 4_000
    assert table.groupby(0)[1].is_monotonic_increasing.all()
    assert table[3].nunique() == 7
    assert header_of(path).n_columns == 5
    assert len(fragments.barcodes_of(path)) == 7
    row = {"case": "counts", "rows": 4_000, "cells": 7, "million_per_s": 2.0, "round": 1}
    fragments.report(pd.DataFrame([row]))
    assert "slowest case: 2.00 million fragments a second" in capsys.readouterr().out


def named(source, names):
    return source.sample(2_000, random_state=0).sort_index().set_axis(names, axis=1)
