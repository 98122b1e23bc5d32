"""Fixtures shared by all tests."""

import os
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

mpl.use("Agg")

settings.register_profile("grnet", deadline=None, max_examples=60)
settings.load_profile("grnet")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data: ``GRNET_DATA`` or ``../shared/data``."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("GRNET_DATA", beside))
    if not (folder / "grn").is_dir():
        pytest.skip(f"no real data at {folder}: set GRNET_DATA to the folder that holds grn/")
    return folder


@pytest.fixture(scope="session")
def dossier_of():
    """Make the dossier of an edge as a joint model would fill it, with fields changed at will."""
    from grnet.explain import Dossier

    def made(n_peaks=3, *, has_dna=True, **changed):
        rng = np.random.default_rng(0)
        tables = _peak_tables(n_peaks, has_dna=has_dna, rng=rng) | _graph_tables(rng)
        ledger = _ledger(tables)
        fields = {
            "source": "GCN4",
            "target": "HIS4",
            "verdict": "An edge: its promoter holds GCN4 sites, and both genes rise together.",
            "reasons": ("Two GCN4 motifs lie 200 to 300 bases upstream of the start site.",),
            "logit": -1.9 + ledger["contribution"].sum() + 0.004,
            "baseline": -1.9,
            "probability": 0.914,
            "rank": 7,
            "n_candidates": 5_214,
            "stability": 0.93,
            "null_percentile": 99.97,
            "known": False,
            "expression_unit": "log counts per 10,000",
            "ledger": ledger,
            "params": {"seed": 0, "version": "0.1.0", "method": "integrated gradients"},
        }
        return Dossier(**(fields | tables | changed))

    return made


def _peak_tables(n_peaks, *, has_dna, rng):
    tss, chrom, at = 68_333, "chrIII", np.arange(n_peaks)
    start = tss - 420 + np.where(at % 2 == 0, -1, 1) * ((at + 1) // 2) * 2_900
    peaks = pd.DataFrame({"chrom": chrom, "start": start, "end": start + 350})
    peaks.insert(0, "peak", [f"{chrom}:{x}-{x + 350}" for x in start])
    peaks["distance"] = start + 175.0 - tss
    peaks["link"] = np.exp(-peaks["distance"].abs() / 2_000)
    peaks["accessibility"] = rng.uniform(0.05, 0.6, n_peaks)
    peaks["chip"] = np.where(at % 3 == 0, rng.uniform(20, 90, n_peaks), np.nan)
    peaks["motif"] = np.where(at % 2 == 0, 2e-6 * (1.0 + at), np.nan)
    peaks["contribution"] = rng.normal(0, 0.2, n_peaks) * peaks["link"]
    genes = pd.DataFrame(
        {
            "gene": ["HIS4", "BIK1", "RNQ1"],
            "chrom": chrom,
            "start": [tss, 66_400, 70_150],
            "end": [tss + 2_400, 67_720, 71_300],
            "strand": ["+", "-", "-"],
            "tss": [tss, 67_719, 71_299],
        }
    )
    tables = {"peaks": peaks, "genes": genes}
    if has_dna and n_peaks:
        tables |= _letter_tables(peaks, rng)
        own = tables["bases"].groupby("peak")["contribution"].sum()
        peaks["contribution"] += own[peaks["peak"]].to_numpy()
    return tables


def _letter_tables(peaks, rng):
    """Letters of the peaks; the first of them holds two GCN4 sites that count."""
    bases, first = [], peaks.iloc[0]
    for peak, start, scale in zip(peaks["peak"], peaks["start"], peaks["link"], strict=True):
        hypothetical = rng.normal(0, 0.004 * (0.2 + scale), (350, 4))
        letters = rng.choice(list("ACGT"), 350)
        if peak == first["peak"]:
            for at in (150, 178):
                letters[at : at + 7] = list("TGACTCA")
                hypothetical[at : at + 7] -= 0.05
                hypothetical[np.arange(at, at + 7), ["ACGT".index(x) for x in "TGACTCA"]] = 0.11
        table = pd.DataFrame({"peak": peak, "position": start + np.arange(350), "base": letters})
        own = hypothetical[np.arange(350), ["ACGT".index(x) for x in letters]]
        table["contribution"] = own
        table[[f"hypothetical_{x}" for x in "ACGT"]] = hypothetical
        bases.append(table)
    hits = [(150, "+", "GCN4", 2.4e-6), (178, "-", "GCN4", 8e-6), (152, "+", "YAP1", 4e-5)]
    hits += [(195, "+", "CBF1", 9e-5), (20, "-", "REB1", 3e-5)]
    motifs = pd.DataFrame(hits, columns=["start", "strand", "tf", "pvalue"])
    motifs = motifs.assign(peak=first["peak"], start=motifs["start"] + first["start"])
    motifs = motifs.assign(end=motifs["start"] + 7, motif=motifs["tf"])
    motifs["contribution"] = [0.77, 0.77, 0.7, 0.01, -0.02]
    return {"bases": pd.concat(bases), "motifs": motifs}


def _graph_tables(rng):
    nodes = pd.DataFrame(
        {"type": ["tf", "gene", "gene", "tf"], "name": ["GCN4", "HIS3", "ARG1", "BAS1"]}
    )
    nodes["contribution"] = [0.31, 0.16, -0.05, 0.09]
    edges = pd.DataFrame({"type": "regulates", "source": ["GCN4", "BAS1"], "target": "HIS3"})
    edges["contribution"] = [0.22, -0.11]
    groups = ["minimal medium", "rich medium", "rapamycin"]
    level = np.repeat([1.6, 0.3, 0.9], [60, 70, 33])
    source = np.clip(level + rng.normal(0, 0.5, 163), 0, None)
    target = np.clip(0.8 * source + rng.normal(0, 0.4, 163), 0, None)
    cells = pd.DataFrame({"source": source, "target": target})
    cells["group"] = np.repeat(groups, [60, 70, 33])
    r = [part["source"].corr(part["target"]) for _, part in cells.groupby("group", sort=False)]
    expression = pd.DataFrame({"group": groups, "n_cells": [60, 70, 33], "correlation": r})
    return {"nodes": nodes, "edges": edges, "cells": cells, "expression": expression}


def _ledger(tables):
    parts = [
        ("expression", "pair features", ["correlation", "co-expression of BAS1"], [0.62, 0.18]),
        ("expression", "node features", ["GCN4", "HIS4"], [0.24, -0.15]),
        ("graph", "node features", tables["nodes"]["name"], tables["nodes"]["contribution"]),
        ("graph", "edges", tables["edges"]["source"] + " -> HIS3", tables["edges"]["contribution"]),
    ]
    if "bases" in tables:
        bases = tables["bases"]
        own = bases.groupby("peak")["contribution"].sum()[tables["peaks"]["peak"]].to_numpy()
        features = tables["peaks"]["contribution"] - own
        names = bases["peak"] + " " + bases["position"].astype(str)
        parts.append(("dna", "bases", names, bases["contribution"]))
        parts.append(("dna", "peak features", tables["peaks"]["peak"], features))
    return pd.concat(
        [
            pd.DataFrame({"layer": layer, "kind": kind, "name": names, "contribution": values})
            for layer, kind, names, values in parts
        ],
        ignore_index=True,
    )
