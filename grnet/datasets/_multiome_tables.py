"""What was drawn for a simulated multiome, as the tables and objects that its user sees."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import anndata as ad
import mudata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnet import _intervals, _keys
from grnet.datasets._multiome_network import CLOSED, CONDITIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from mudata import MuData

    from grnet.datasets._multiome_assays import CpGs
    from grnet.datasets._multiome_cells import Cells
    from grnet.datasets._multiome_layout import Layout
    from grnet.datasets._multiome_network import Network

Array = np.ndarray[Any, Any]

CONDITION = "condition"


@dataclass(frozen=True)
class World:
    """What all tables refer to: names of genes (TFs first), where all lies, and what acts."""

    names: Array
    layout: Layout
    network: Network
    sites: pd.DataFrame
    motifs: list[Array]
    sequences: dict[str, str]

    @property
    def tfs(self) -> Array:
        """Names of the TFs."""
        return self.names[: len(self.network.drivers)]

    @property
    def types(self) -> list[str]:
        """Names of the cell types."""
        return [f"type{i + 1}" for i in range(self.network.accessibility.shape[1])]

    @property
    def samples(self) -> list[str]:
        """Names of cell types and conditions."""
        return [f"{cell_type}_{condition}" for cell_type, condition in self.contexts.to_numpy()]

    @property
    def contexts(self) -> pd.DataFrame:
        """Cell type and condition of each sample."""
        pairs = list(product(self.types, CONDITIONS))
        return pd.DataFrame(pairs, columns=[_keys.CELL_TYPE, CONDITION])

    @property
    def accessibility(self) -> Array:
        """Regions x samples."""
        return self.network.accessibility.reshape(-1, len(self.samples))


def gene_names(n_genes: int, n_tfs: int) -> Array:
    """Return TF1, TF2, ..., G1, G2, ..."""
    names = [f"TF{i + 1}" for i in range(n_tfs)] + [f"G{i + 1}" for i in range(n_genes - n_tfs)]
    return np.array(names, dtype=object)


def annotated_genes(world: World) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return genes and exons by position."""
    genes, exons = world.layout.genes, world.layout.exons
    length = (exons["end"] - exons["start"]).groupby(exons["gene"]).sum()
    genes = genes.assign(biotype="protein_coding", length=genes["gene"].map(length))
    return by_position(world.layout, genes), by_position(world.layout, exons)


def chip_table(world: World, peaks: pd.DataFrame) -> pd.DataFrame:
    """Return ChIP peaks as of a narrowPeak file, TF by TF."""
    order = np.lexsort((world.layout.along(peaks, "start"), peaks["tf"]))
    peaks = peaks.iloc[order].reset_index(drop=True)
    tf = world.tfs[peaks["tf"]]
    number = (peaks.groupby("tf").cumcount() + 1).astype(str)
    pvalue = (1.5 + 1.2 * peaks["signal"]).round(4)
    return pd.DataFrame(
        {
            "chrom": peaks["chrom"],
            "start": peaks["start"],
            "end": peaks["end"],
            "name": tf + "_peak_" + number.to_numpy(dtype=object),
            "score": np.minimum(1_000.0, np.rint(20 * peaks["signal"])),
            "signal": peaks["signal"].round(4),
            "pvalue": pvalue,
            "qvalue": (pvalue - 1.0).round(4),
            "summit": peaks["summit"],
            "tf": tf,
        }
    )


def methylation_data(world: World, cpgs: CpGs) -> AnnData:
    """Return samples x CpGs."""
    sites = cpgs.sites.set_axis(_intervals.names(cpgs.sites))
    for column, value in (("strand", "."), ("context", "CG")):
        sites[column] = pd.Categorical([value] * len(sites))
    layers = {"methylated": cpgs.methylated, "coverage": cpgs.coverage}
    return ad.AnnData(
        obs=world.contexts.astype("category").set_axis(world.samples),
        var=sites,
        layers={name: sp.csr_matrix(counts.astype(np.int32)) for name, counts in layers.items()},
    )


def paired(
    world: World, cells: Cells, barcodes: Array, *, rna: sp.csr_matrix, atac: sp.csr_matrix
) -> MuData:
    """Return the counts of both assays of the same cells."""
    obs = pd.DataFrame(
        {
            _keys.CELL_TYPE: _category(world.types, cells.types),
            CONDITION: _category(CONDITIONS, cells.conditions),
        },
        index=barcodes,
    )
    is_tf = np.isin(world.names, world.tfs)
    genes = {"gene_id": world.layout.genes["gene_id"].to_numpy(), "is_tf": is_tf}
    peaks = world.layout.regions[list(_intervals.COLUMNS)]
    truth = edge_table(triplet_table(world, cells))[["source", "target", "weight"]]
    mods = {
        "rna": ad.AnnData(
            rna,
            obs=obs.copy(),
            var=pd.DataFrame(genes, index=world.names),
            uns={_keys.TRUTH: truth.rename(index=str)},
        ),
        "atac": ad.AnnData(atac, obs=obs.copy(), var=peaks.set_axis(_intervals.names(peaks))),
    }
    with mudata.set_options(pull_on_update=False):
        mdata = mudata.MuData(mods)
    mdata.obs = obs.reindex(mdata.obs_names)
    return mdata


def _category(names: Sequence[str], codes: Array) -> Any:  # noqa: ANN401 - the stubs tell kinds of categories apart
    return pd.Categorical.from_codes(codes, categories=pd.Index(names))


def triplet_table(world: World, cells: Cells) -> pd.DataFrame:
    """Return which TF acts through which region on which gene."""
    triplets, regions = world.network.triplets, world.layout.regions
    region = regions.loc[triplets["region"]].reset_index(drop=True)
    gene = world.layout.genes.loc[triplets["gene"]].reset_index(drop=True)
    direction = np.where(gene["strand"] == "+", 1, -1)
    after, before = region["start"] - gene["tss"], region["end"] - 1 - gene["tss"]
    table = pd.DataFrame(
        {
            "source": world.tfs[triplets["tf"]],
            "region": _intervals.names(region),
            "target": world.names[triplets["gene"]],
            "sign": triplets["sign"].to_numpy(),
            "weight": cells.weights,
            "distance": direction * (after.clip(lower=0) + before.clip(upper=0)),
        }
    )
    return table.sort_values(["source", "target", "region"], ignore_index=True)


def edge_table(triplets: pd.DataFrame) -> pd.DataFrame:
    """Return which TF acts on which gene, and how much through all regions."""
    weights = triplets.groupby(["source", "target"])["weight"].sum().reset_index()
    weights.insert(2, "sign", np.sign(weights["weight"]).astype(np.int64))
    return weights


def region_table(world: World) -> pd.DataFrame:
    """Return what each region is and where it is open."""
    regions = world.layout.regions
    known = pd.DataFrame(
        {
            "peak": _intervals.names(regions),
            "kind": regions["kind"],
            "opening": world.network.opening,
            "target": np.append(world.names, "")[regions["gene"]],
        }
    )
    openness = pd.DataFrame(world.accessibility, columns=world.samples)
    return pd.concat([regions[list(_intervals.COLUMNS)], known, openness], axis=1)


def site_table(world: World) -> pd.DataFrame:
    """Return the planted motif instances by position."""
    sites = by_position(world.layout, world.sites)
    columns = ["chrom", "start", "end", "strand", "tf", "peak", "bound", "functional"]
    return sites.assign(tf=world.tfs[sites["tf"]])[columns]


def by_position(layout: Layout, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows in the order of the genome."""
    return frame.iloc[np.argsort(layout.along(frame, "start"))].reset_index(drop=True)


def specific_table(world: World) -> pd.DataFrame:
    """Return where the edges act that do not act in all samples."""
    triplets = world.network.triplets
    is_open = pd.DataFrame(world.accessibility[triplets["region"]] > CLOSED, columns=world.samples)
    source, target = world.tfs[triplets["tf"]], world.names[triplets["gene"]]
    acting = is_open.assign(source=source, target=target).groupby(["source", "target"]).any()
    acting = acting.loc[~acting.all(axis=1)].reset_index()
    edge, sample = np.nonzero(acting[world.samples].to_numpy())
    pairs = acting.loc[edge, ["source", "target"]].reset_index(drop=True)
    return pairs.join(world.contexts.loc[sample].reset_index(drop=True))
