"""What a graph is built from: the modalities, the regions, the tables that join them, the TFs."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
from mudata import MuData

from grnet import _checks, _genes, _intervals
from grnet.cis import bind, link_peaks, scan_motifs
from grnet.graph._edges import pair_table
from grnet.io.genome import Genome
from grnet.io.tfs import read_tfs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from anndata import AnnData

    from grnet.cis.evidence import Evidence
    from grnet.grn import GRN
    from grnet.io.motifs import Motif

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Tables:
    """The regions, indexed by name, and what joins them to genes and TFs; None where absent."""

    regions: pd.DataFrame | None
    links: pd.DataFrame | None
    bindings: pd.DataFrame | None


def modalities(data: MuData | AnnData) -> tuple[AnnData, AnnData | None]:
    """Return expression and, where there is one, accessibility.

    Raises
    ------
    ValueError
        If a MuData has no ``rna``.
    TypeError
        If it is neither MuData nor AnnData.
    """
    if isinstance(data, MuData):
        if "rna" not in data.mod:
            message = (
                f"The MuData has no modality 'rna'; it has {_checks.examples(data.mod)}. "
                "Make one: MuData({'rna': rna, 'atac': atac})."
            )
            raise ValueError(message)
        return data.mod["rna"], data.mod.get("atac")
    if not hasattr(data, "var_names"):
        message = f"data is a {type(data).__name__}: expected MuData (rna, atac) or AnnData (rna)."
        raise TypeError(message)
    return data, None


def regions_of(atac: AnnData) -> pd.DataFrame:
    """Return the peaks of the data, indexed by name."""
    frame = _intervals.of_variables(atac.var, what="the peaks")
    return frame.set_axis(pd.Index(_intervals.names(frame)))


def tables(
    data: MuData | AnnData,
    genome: Genome | pd.DataFrame | str | Path | None,
    *,
    links: pd.DataFrame | None,
    bindings: pd.DataFrame | None,
    evidence: Evidence | None,
    motifs: Sequence[Motif] | None,
    aliases: pd.DataFrame | None,
) -> Tables:
    """Complete the tables that were not given with what the genome and the evidence say."""
    rna, atac = modalities(data)
    if all(v is None for v in (atac, genome, links, bindings, evidence, motifs)):
        return Tables(None, None, None)
    if links is None:
        links = _linked(data, genome, aliases=aliases)
    if atac is not None:
        regions = regions_of(atac)
    else:
        named = [table["peak"].astype(str) for table in (links, bindings) if table is not None]
        peaks = pd.Index(pd.concat(named).unique())
        regions = _intervals.from_names(peaks, what="the peaks").set_axis(peaks)
    if bindings is None and (evidence is not None or motifs is not None):
        bindings = _bound(
            regions, genome, evidence, motifs=motifs, names=rna.var_names, aliases=aliases
        )
    return Tables(regions, links, bindings)


def tf_names(
    tfs: str | Path | Iterable[str] | None,
    *,
    genes: pd.Index,
    bindings: pd.DataFrame | None,
    known: pd.DataFrame | GRN | None,
) -> pd.Index:
    """Return the TFs of the graph, sorted: those wanted that are genes or have an edge.

    Raises
    ------
    ValueError
        If there is none.
    """
    with_edges = set() if bindings is None else set(bindings["tf"].astype(str))
    if known is not None:
        with_edges |= set(pair_table(known, what="known")["source"])
    if tfs is None:
        if not with_edges:
            message = (
                "No TF is known: pass tfs= (a species, a file or names), or evidence=, bindings= "
                "or known=, whose TFs are taken."
            )
            raise ValueError(message)
        return pd.Index(sorted(with_edges))
    wanted = read_tfs(tfs)
    present = with_edges | set(genes.astype(str))
    chosen = sorted(set(wanted) & present)
    if not chosen:
        message = (
            f"None of the {len(wanted)} TFs is a gene of the data or has an edge: they are "
            f"{_checks.examples(wanted)}, the genes {_checks.examples(genes)}. Use the same names."
        )
        raise ValueError(message)
    logger.info("%d of %d TFs are genes of the data or have an edge", len(chosen), len(wanted))
    left = with_edges - set(wanted)
    if left:
        logger.info("%d TFs with edges are not among tfs: %s", len(left), _checks.examples(left))
    return pd.Index(chosen)


def _linked(
    data: MuData | AnnData,
    genome: Genome | pd.DataFrame | str | Path | None,
    *,
    aliases: pd.DataFrame | None,
) -> pd.DataFrame:
    """Link peaks, or the promoters of the genes where there is no ATAC."""
    if genome is None:
        message = (
            "Nothing joins peaks to genes: pass genome= (a Genome with annotation, or the "
            "annotation alone), or links= from gn.cis.link_peaks."
        )
        raise ValueError(message)
    return link_peaks(data, genome, aliases=aliases)


def _bound(
    regions: pd.DataFrame,
    genome: Genome | pd.DataFrame | str | Path | None,
    evidence: Evidence | None,
    *,
    motifs: Sequence[Motif] | None,
    names: pd.Index,
    aliases: pd.DataFrame | None,
) -> pd.DataFrame:
    """Bind TFs to regions by ChIP peaks and motifs."""
    hits = None
    if motifs is not None:
        if not isinstance(genome, Genome):
            message = "Motifs are scanned in a sequence: pass genome=gn.io.Genome('genome.fa')."
            raise ValueError(message)
        hits = scan_motifs(genome, regions, motifs)
    found = bind(regions, evidence=evidence, hits=hits)
    # a TF that is not measured keeps its own name: it is a node all the same
    known = _genes.resolved(found["tf"].unique(), names, aliases=aliases)
    return found.assign(tf=found["tf"].map(known).fillna(found["tf"]))
