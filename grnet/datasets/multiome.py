"""A simulated genome, its cells and all assays of them, with the truth behind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grnet import _checks
from grnet.datasets import _multiome_assays as assays
from grnet.datasets import _multiome_sequence as sequence
from grnet.datasets import _multiome_tables as tables
from grnet.datasets._multiome_cells import drawn_cells, rna_counts
from grnet.datasets._multiome_files import MultiomeFiles, write_files
from grnet.datasets._multiome_layout import MAX_PEAKS_PER_GENE, laid_out
from grnet.datasets._multiome_network import planted
from grnet.io.genome import Genome
from grnet.io.motifs import Motif

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData
    from mudata import MuData

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SimulatedMultiome:
    """Every assay of a simulated tissue, and what is true of it; positions are 0-based.

    Parameters
    ----------
    mdata
        Raw counts of the same cells: ``rna`` (cells x genes) and ``atac`` (cells x peaks).
        ``obs`` has ``cell_type`` and ``condition``.
    genome
        Sequences in memory, with the annotation.
    sequences
        The letters of each chromosome; repeats in lower case, gaps as N.
    annotation, exons
        Genes as of :func:`grnet.io.read_annotation`, by position, and their exons.
    motifs
        The motif of each TF.
    chip
        ChIP-seq peaks of all TFs, as of :func:`grnet.io.read_peaks`.
    fragments
        ATAC fragments ``chrom, start, end, barcode, count``, sorted by position.
    methylation
        Samples (cell type and condition) x CpGs, layers ``methylated`` and ``coverage``.
    edges
        Truth: ``source, target, sign, weight``; the weight is the change of the target, in its own
        standard deviations, as the TF goes from absent to saturating; negative for repression.
    triplets
        Truth: ``source, region, target, sign, weight, distance``, as a TF acts on a gene through a
        region; ``distance`` from the start of the gene to the nearest base of the region, negative
        upstream.
    regions
        Truth: each peak's ``kind`` (promoter, enhancer, bystander, decoy), ``opening`` (always,
        type, treated, control, never), ``target`` gene, and its accessibility in each sample.
    motif_sites
        Truth: where motif instances were planted, for which ``tf``, in which ``peak``, whether the
        TF is ``bound`` there and whether that is ``functional``.
    specific_edges
        Truth: ``source, target, cell_type, condition``, where the edges that do not act everywhere
        act.

    Examples
    --------
    >>> import grnet as gn
    >>> multiome = gn.datasets.simulate_multiome(n_cells=60, n_genes=30, n_tfs=4)
    >>> multiome
    SimulatedMultiome(60 cells, 30 genes, 4 TFs, 120 peaks, 56 edges, 3 chromosomes)
    """

    mdata: MuData
    genome: Genome
    sequences: dict[str, str]
    annotation: pd.DataFrame
    exons: pd.DataFrame
    motifs: list[Motif]
    chip: pd.DataFrame
    fragments: pd.DataFrame
    methylation: AnnData
    edges: pd.DataFrame
    triplets: pd.DataFrame
    regions: pd.DataFrame
    motif_sites: pd.DataFrame
    specific_edges: pd.DataFrame

    def __repr__(self) -> str:
        """Return the sizes."""
        rna, atac = self.mdata["rna"], self.mdata["atac"]
        return (
            f"SimulatedMultiome({rna.n_obs} cells, {rna.n_vars} genes, {len(self.motifs)} TFs, "
            f"{atac.n_vars} peaks, {len(self.edges)} edges, {len(self.genome.sizes)} chromosomes)"
        )

    def write(self, folder: str | Path) -> MultiomeFiles:
        """Write everything as the files that a laboratory would have, and the truth as tables.

        Parameters
        ----------
        folder
            Made if it is missing; files of the same names are replaced.

        Returns
        -------
        MultiomeFiles
            Where each file is.

        Examples
        --------
        >>> import grnet as gn
        >>> from tempfile import TemporaryDirectory
        >>> multiome = gn.datasets.simulate_multiome(n_cells=60, n_genes=30, n_tfs=4)
        >>> with TemporaryDirectory() as folder:
        ...     written = multiome.write(folder)
        ...     len(gn.io.read_peaks(written.peaks)), gn.io.Genome(written.genome).sizes.size
        (120, 3)
        """
        return write_files(self, Path(folder))


def simulate_multiome(  # noqa: PLR0913 - sizes and depths of every layer, all with defaults
    *,
    n_cells: int = 600,
    n_genes: int = 200,
    n_tfs: int = 12,
    n_cell_types: int = 3,
    n_chromosomes: int = 3,
    peaks_per_gene: int = 4,
    regulators_per_gene: int = 2,
    rna_depth: float = 2.0,
    atac_depth: float = 0.5,
    dropout: float = 0.0,
    seed: int = 0,
) -> SimulatedMultiome:
    """Simulate a genome and paired RNA and ATAC of cells whose genes obey it, with the truth.

    Parameters
    ----------
    n_cells, n_genes, n_tfs
        Size; the TFs are among the genes.
    n_cell_types
        Groups of cells; half of each is under the condition ``control``, half is ``treated``.
    n_chromosomes
        Each gene adds about 8 kb to the genome.
    peaks_per_gene
        A promoter per gene, the rest half enhancers, half peaks that regulate nothing.
    regulators_per_gene
        The same for all genes, except that half of the TFs regulate the other half.
    rna_depth, atac_depth
        Mean counts per gene and cell, and mean fragments per peak and cell.
    dropout
        Expected RNA count at which half of the values are lost on top; 0 for none.
    seed
        The same seed gives the same data; genome and network do not depend on the depths.

    Returns
    -------
    SimulatedMultiome

    Raises
    ------
    ValueError
        If a size is out of range.

    Notes
    -----
    A gene's logarithmic expression is a sum over its triplets, sign x activity of the TF x
    openness of the region in that cell, plus what comes from cell type, condition and noise. Motif
    instances also lie in peaks that are closed, not bound, or bound in vain; ChIP misses sites and
    has false peaks. All TFs, genes and peaks have about as many edges, peaks and instances, and GC
    content does not depend on function, so that neither degree nor GC gives the truth away.

    Examples
    --------
    >>> import grnet as gn
    >>> multiome = gn.datasets.simulate_multiome(n_cells=60, n_genes=30, n_tfs=4)
    >>> list(multiome.triplets)
    ['source', 'region', 'target', 'sign', 'weight', 'distance']
    """
    _checks.whole(n_tfs, 1, n_genes, what="n_tfs")
    _checks.whole(n_cell_types, 1, n_cells // 2, what="n_cell_types")
    _checks.whole(n_chromosomes, 1, n_genes, what="n_chromosomes")
    _checks.whole(peaks_per_gene, 1, MAX_PEAKS_PER_GENE, what="peaks_per_gene")
    _checks.whole(regulators_per_gene, 1, min(n_tfs, 8), what="regulators_per_gene")
    _checks.in_range(rna_depth, 1e-6, 1e6, what="rna_depth")
    _checks.in_range(atac_depth, 1e-6, 1e3, what="atac_depth")
    _checks.in_range(dropout, 0, 1e6, what="dropout")
    for_world, for_cells = np.random.default_rng(seed).spawn(2)
    world = _world(
        for_world,
        tables.gene_names(n_genes, n_tfs),
        n_tfs=n_tfs,
        n_types=n_cell_types,
        n_chromosomes=n_chromosomes,
        peaks_per_gene=peaks_per_gene,
        per_gene=regulators_per_gene,
    )
    depths = {"rna_depth": rna_depth, "atac_depth": atac_depth, "dropout": dropout}
    return _assayed(for_cells, world, n_cells=n_cells, **depths)


def _world(
    rng: np.random.Generator,
    names: Array,
    *,
    n_tfs: int,
    n_types: int,
    n_chromosomes: int,
    peaks_per_gene: int,
    per_gene: int,
) -> tables.World:
    """Draw genome and network."""
    layout_rng, network_rng, sequence_rng = rng.spawn(3)
    layout = laid_out(layout_rng, names, n_chromosomes=n_chromosomes, peaks_per_gene=peaks_per_gene)
    network = planted(network_rng, layout.regions, n_tfs=n_tfs, per_gene=per_gene, n_types=n_types)
    matrices = sequence.drawn_motifs(sequence_rng, n_tfs)
    sites = sequence.placed_sites(sequence_rng, network, layout, motifs=matrices)
    sequences = sequence.written(sequence_rng, layout, sites, motifs=matrices)
    return tables.World(names, layout, network, sites, matrices, sequences)


def _assayed(
    rng: np.random.Generator,
    world: tables.World,
    *,
    n_cells: int,
    rna_depth: float,
    atac_depth: float,
    dropout: float,
) -> SimulatedMultiome:
    """Draw what the assays see of the world, and put all into tables."""
    chip_rng, methylation_rng, cell_rng, rna_rng, atac_rng, barcode_rng = rng.spawn(6)
    layout, network = world.layout, world.network
    codes, mappable = assays.bases(world.sequences)
    chip = assays.chip_peaks(chip_rng, layout, network, sites=world.sites, mappable=mappable)
    cpgs = assays.methylated_cpgs(methylation_rng, layout, codes, accessibility=world.accessibility)
    cells = drawn_cells(cell_rng, network, n_cells=n_cells, n_genes=len(world.names))
    rna = rna_counts(rna_rng, cells.states, depth=rna_depth, dropout=dropout)
    fragments = assays.sequenced_fragments(
        atac_rng, layout, cells.openness, depth=atac_depth, mappable=mappable
    )
    atac = assays.overlap_counts(layout, fragments, n_cells)
    barcodes = assays.drawn_barcodes(barcode_rng, n_cells)
    annotation, exons = tables.annotated_genes(world)
    triplets = tables.triplet_table(world, cells)
    return SimulatedMultiome(
        mdata=tables.paired(world, cells, barcodes, rna=rna, atac=atac),
        genome=Genome.from_sequences(world.sequences, annotation=annotation),
        sequences=world.sequences,
        annotation=annotation,
        exons=exons,
        motifs=[
            Motif(f"SIM{i}", (tf,), matrix, n_sites=100.0)
            for i, (tf, matrix) in enumerate(zip(world.tfs, world.motifs, strict=True), start=1)
        ],
        chip=tables.chip_table(world, chip),
        fragments=fragments.assign(barcode=barcodes[fragments["barcode"]]),
        methylation=tables.methylation_data(world, cpgs),
        edges=tables.edge_table(triplets),
        triplets=triplets,
        regions=tables.region_table(world),
        motif_sites=tables.site_table(world),
        specific_edges=tables.specific_table(world),
    )
