"""What the figures of a pair mean, in sentences."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from grnet import _checks
from grnet.explain._joint_terms import JointTerms
from grnet.explain.record import Dossier
from grnet.graph import GENE, NEAR, PEAK, TF

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

_LAYER = {
    "expression": "Expression and what is known of similar pairs",
    "graph": "The graph around the pair",
    "dna": "The DNA of the peaks near the gene",
}
_STRONG_PVALUE = 1e-4
_WORTH = 0.05
"""Share of all contributions' magnitude from which one is worth a sentence."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Found:
    """All that is known of a pair that was scored."""

    terms: JointTerms
    source: str
    target: str
    figures: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]

    @property
    def layers(self) -> "pd.Series[float]":
        """Return the sum of the contributions of each layer, largest first."""
        sums = self.tables["ledger"].groupby("layer")["contribution"].sum()
        return sums.sort_values(ascending=False)

    @property
    def is_edge(self) -> bool:
        """Whether the pair is more likely an edge than not, at the rate of the training."""
        return bool(self.figures["probability"] >= 0.5)


def verdict_of(found: Found) -> str:
    """Return one sentence that answers."""
    figures = found.figures
    likely = "An edge" if found.is_edge else "Not an edge"
    known = " It is one of the known edges that the model was trained with." * figures["known"]
    return (
        f"{likely}, says the model: probability {figures['probability']:.2f}, rank "
        f"{figures['rank']:,} of {figures['n_candidates']:,} candidate targets of "
        f"{found.source}.{known}"
    )


def reasons_of(found: Found) -> tuple[str, ...]:
    """Return what speaks for the pair and what against it, strongest first, then what is there."""
    lines = []
    total = float(found.layers.abs().sum()) or 1.0
    for layer, value in found.layers.items():
        if abs(value) < _WORTH * total:
            continue
        says = "speaks for" if value > 0 else "speaks against"
        own = found.tables["ledger"]
        own = own[(own["layer"] == layer) & (np.sign(own["contribution"]) == np.sign(value))]
        most = "; most from " + own.iloc[0]["name"] if len(own) else ""
        lines.append(f"{_LAYER[str(layer)]} {says} it ({value:+.2f}{most}).")
    return (*lines, *_about_peaks(found), *_about_cells(found))


def _about_peaks(found: Found) -> list[str]:
    """Return what peaks and motifs there are."""
    peaks, hits = found.tables["peaks"], found.tables["motifs"]
    if not len(peaks):
        return [f"No peak is linked to {found.target}: DNA and evidence say nothing of it."]
    own = hits[hits["tf"] == found.source] if len(hits) else hits
    strong = own[own["pvalue"] <= _STRONG_PVALUE] if len(own) else own
    lines = []
    if len(strong):
        size = strong["contribution"].abs()
        best = strong.assign(size=-size).sort_values(["pvalue", "size"]).iloc[0]
        lines.append(
            f"The best site of {found.source} is {best['motif']} at {best['start']:,} in "
            f"{best['peak']} (p = {best['pvalue']:.1g}; its bases add {best['contribution']:+.2f})."
        )
    elif found.terms.dna is not None:
        lines.append(
            f"No peak near {found.target} has a site of {found.source} with "
            f"p <= {_STRONG_PVALUE:g}."
        )
    if peaks["chip"].notna().any():
        lines.append(f"ChIP-seq has {found.source} in {int(peaks['chip'].notna().sum())} of them.")
    return lines


def _about_cells(found: Found) -> list[str]:
    """Return how both are expressed together."""
    table = found.tables.get("expression")
    if table is None or not len(table) or table["correlation"].isna().all():
        return []
    table = table.dropna(subset="correlation")
    best = table.sort_values("correlation", key=abs).iloc[-1]
    return [
        f"Over {best['group']} ({int(best['n_cells']):,} cells) the correlation of both is "
        f"{best['correlation']:+.2f}."
    ]


def steps_of(found: Found) -> pd.DataFrame:
    """Return the steps on the way to an edge, and what was found at each."""
    peaks, hits = found.tables["peaks"], found.tables["motifs"]
    rank, n = found.figures["rank"], found.figures["n_candidates"]
    rows = [
        ("regulators", True, f"{found.source} is a TF of the graph"),
        ("genes", True, f"{found.target} is a gene of the graph"),
        ("peaks", len(peaks) > 0, f"{len(peaks)} linked to {found.target}"),
    ]
    if found.terms.dna is not None:
        n_own = int((hits["tf"] == found.source).sum()) if len(hits) else 0
        rows.append(("motif", n_own > 0, f"{n_own} hits of its motifs in them"))
    detail = f"rank {rank:,} of {n:,}, probability {found.figures['probability']:.2f}"
    rows.append(("score", found.is_edge, detail))
    return pd.DataFrame(rows, columns=["step", "passed", "detail"])


def lost(
    data: "HeteroData",
    source: str,
    target: str,
    *,
    known: tuple[str | None, str | None],
    is_measured: bool = False,
) -> Dossier:
    """Return the dossier of a pair that no model scores; ``is_measured``: the source is a gene."""
    tf, gene = known
    tfs, genes = list(data[TF].name), list(data[GENE].name)
    if tf is None:
        step = "regulators"
        reason = f"{source} is not among the {len(tfs):,} TFs of the graph" + (
            ", though it is measured: add it to tfs= of gn.graph.build."
            if is_measured
            else f". {_checks.nearest(source, tfs)}"
        )
    elif gene is None:
        step = "genes"
        reason = (
            f"{target} is not among the {len(genes):,} genes of the graph: it was not measured, or "
            f"filtered. {_checks.nearest(target, genes)}"
        )
    else:
        step = "self edges"
        reason = f"{source} and {target} are the same gene: no method scores a gene with itself."
    passed = ["regulators", "genes", "self edges"].index(step)
    rows = [
        (name, number < passed, reason if number == passed else "passed")
        for number, name in enumerate(["regulators", "genes", "self edges"][: passed + 1])
    ]
    return Dossier(
        source=source,
        target=target,
        verdict=f"Not scored: the pair was lost among the {step}.",
        reasons=(reason,),
        lost_at=step,
        steps=pd.DataFrame(rows, columns=["step", "passed", "detail"]),
        params={"peaks": "yes" if PEAK in data.node_types and NEAR in data.edge_types else "no"},
    )
