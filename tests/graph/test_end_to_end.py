"""From a multiome and its evidence to the graph in one call, on planted and on real data."""

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch

import grnet as gn
from grnet import _intervals
from grnet.graph import BINDS, GENE, NEAR, PEAK, REGULATES, TF


@pytest.fixture(scope="module")
def planted():
    return gn.datasets.simulate_multiome(n_cells=120, n_genes=60, n_tfs=6, seed=3)


@pytest.fixture(scope="module")
def built(planted):
    return gn.graph.build(
        planted.mdata,
        planted.genome,
        evidence=planted.chip,
        motifs=planted.motifs,
        known=planted.edges[["source", "target", "weight"]],
        held_out=0.2,
        sequence_width=200,
        n_components=8,
    )


def ways(data):
    """TF x gene: the weight of the ways through a peak that the TF binds near the gene."""
    matrices = []
    for kind in (BINDS, NEAR):
        store = data[kind]
        weight = store.edge_attr[:, store.edge_attr_names.index("weight")].numpy()
        shape = len(data[kind[0]].name), len(data[kind[2]].name)
        matrices.append(sp.coo_matrix((weight, store.edge_index.numpy()), shape).tocsr())
    return (matrices[0] @ matrices[1]).toarray()


def test_planted_edges_have_a_way_through_a_peak(planted, built):
    gn.graph.validate(built)
    through = ways(built)
    tfs, genes = (pd.Index(built[kind].name) for kind in (TF, GENE))
    rows, columns = (
        tfs.get_indexer(planted.edges["source"]),
        genes.get_indexer(planted.edges["target"]),
    )
    assert (rows >= 0).all()
    assert (columns >= 0).all()
    found = through[rows, columns]
    assert (found > 0).mean() > 0.8
    assert found.mean() > 1.5 * through.mean()


def test_every_layer_is_in_the_graph(built):
    assert built[BINDS].edge_attr_names == ["chip", "motif", "summit_distance_kb", "weight"]
    assert {"distance_kb", "correlation", "weight"} <= set(built[NEAR].edge_attr_names)
    assert {"gc", "log_length", "detected"} <= set(built[PEAK].feature_names)
    assert built[PEAK].sequence.shape[1] == 200
    assert (built[PEAK].sequence < 4).float().mean() > 0.9
    assert len(built[REGULATES].edge_label) > 0


def test_evidence_is_the_same_as_its_tables(planted, built):
    mdata, genome = planted.mdata, planted.genome
    regions = mdata["atac"].var[["chrom", "start", "end"]]
    hits = gn.cis.scan_motifs(genome, regions, planted.motifs)
    bindings = gn.cis.bind(regions, evidence=planted.chip, hits=hits, names=mdata["rna"].var_names)
    links = gn.cis.link_peaks(mdata, genome)
    data = gn.graph.build(mdata, genome, links=links, bindings=bindings, n_components=8)
    for kind in (BINDS, NEAR):
        assert torch.equal(data[kind].edge_index, built[kind].edge_index)
        assert torch.equal(data[kind].edge_attr, built[kind].edge_attr)


def test_real_multiome_with_chip_and_truth(real_data, tmp_path):
    folder = real_data / "grn" / "hesc_multiome"

    def read(kind):
        names = [
            pd.read_csv(folder / f"{kind}_{part}.txt.gz", header=None)[0].astype(str)
            for part in ("barcodes", "features")
        ]
        matrix = sp.load_npz(folder / f"{kind}_features_x_cells.npz").T.tocsr().astype(np.float32)
        return ad.AnnData(matrix, *(pd.DataFrame(index=name.to_numpy()) for name in names))

    rna, atac = read("RNA"), read("peaks")
    atac = atac[:, :6_000].copy()
    atac.var_names = _intervals.names(_intervals.from_names(atac.var_names, what="peaks"))
    columns = ["chrom", "start", "end", "tf", "signal", "strand", "summit_offset"]
    chip = gn.io.read_peaks(folder / "chip_h1_hg38.bed.gz", columns=columns)
    tss = pd.read_csv(folder / "tss_hg38.tsv.gz", sep="\t")
    mdata = md.MuData({"rna": rna, "atac": atac})
    data = gn.graph.build(
        mdata,
        links=gn.cis.link_peaks(mdata, tss, method="distance"),
        evidence=chip,
        known=pd.read_csv(folder / "truth_chip_and_knockdown.csv.gz"),
        held_out=0.2,
        n_components=8,
    )
    table = gn.graph.summary(data)
    assert table.loc["gene", "count"] == 8_595
    assert table.loc["tf binds peak", "count"] > 5_000
    assert table.loc["tf regulates gene", "held_out"] == pytest.approx(0.2 * 2_960, abs=5)
    assert (ways(data) > 0).any(axis=0).sum() > 1_000
    at = data[TF].name.index("CEBPB")
    assert data[TF].gene[at] == -1
    back = gn.graph.load(gn.graph.save(data, tmp_path / "hesc.safetensors"))
    assert torch.equal(back[PEAK].x, data[PEAK].x)
