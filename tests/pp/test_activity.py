"""Gene activity sums the peaks that belong to a gene."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from grnet.pp._peak_genes import weights
from grnet.pp.activity import gene_activity

GENES = pd.DataFrame(
    {
        "chrom": ["1", "1", "2", "1"],
        "start": [10_000, 30_000, 500, 60_000],
        "end": [12_000, 33_000, 900, 61_000],
        "strand": ["+", "-", "+", "+"],
        "tss": [10_000, 32_999, 500, 60_000],
        "gene": ["A", "B", "C", "A"],
    }
)
PEAKS = ["chr1:8100-8300", "chr1:11900-12100", "chr1:34000-34200", "chr1:29000-29500", "chr2:0-50"]


def cells(names=PEAKS, n=6):
    counts = np.random.default_rng(0).integers(0, 4, (n, len(names))).astype(float)
    index = [f"c{i}" for i in range(n)]
    obs = pd.DataFrame({"depth": counts.sum(axis=1)}, index=index)
    return ad.AnnData(sp.csr_matrix(counts), obs=obs, var=pd.DataFrame(index=list(names)))


def test_body_and_promoter_follow_the_strand():
    adata = cells()
    out = gene_activity(adata, GENES)
    x = adata.X.toarray()
    assert list(out.var_names) == ["A", "B", "C"]
    np.testing.assert_array_equal(out.X.toarray().T, [x[:, 0] + x[:, 1], x[:, 2], x[:, 4]])
    assert out.var["n_peaks"].tolist() == [2, 1, 1]
    assert sp.issparse(out.X)
    pd.testing.assert_frame_equal(out.obs, adata.obs)


def test_downstream_is_after_the_end():
    x = cells().X.toarray()
    out = gene_activity(cells(), GENES, upstream=0, downstream=600)
    np.testing.assert_array_equal(out.to_df()["B"], x[:, 3])


def test_decay_weighs_the_peaks_outside():
    adata = cells()
    out = gene_activity(adata, GENES, upstream=0, decay=1_000).to_df()
    x = adata.X.toarray()
    expected = x[:, 0] * np.exp(-1.7) + x[:, 1]
    np.testing.assert_allclose(out["A"], expected, rtol=1e-6)
    np.testing.assert_allclose(out["B"], x[:, 2] * np.exp(-1.0) + x[:, 3] * np.exp(-0.5), rtol=1e-6)


@given(st.integers(0, 10_000), st.one_of(st.none(), st.floats(10, 400)))
def test_weights_are_those_of_a_plain_loop(seed, decay):
    rng = np.random.default_rng(seed)
    sides = []
    for n in (12, 9):
        start = rng.integers(0, 3_000, n)
        end = start + rng.integers(1, 300, n)
        chrom = rng.choice(["1", "2"], n)
        sides.append(pd.DataFrame({"chrom": chrom, "start": start, "end": end}))
    peaks, genes = sides
    genes["strand"], genes["gene"] = rng.choice(["+", "-"], 9), rng.choice(list("ABC"), 9)
    peaks.loc[0, "chrom"] = "1"
    genes.loc[0, "chrom"] = "1"
    found, names = weights(peaks, genes, upstream=100, downstream=20, decay=decay)
    expected = np.zeros((12, len(names)))
    for i, p in enumerate(peaks.itertuples()):
        for g in genes.itertuples():
            before, after = (100, 20) if g.strand == "+" else (20, 100)
            low, high = max(0, g.start - before), g.end + after
            gap = max(low - p.end, p.start - high)
            inside = p.start < high and p.end > low
            far = 0 if decay is None else int(5 * decay)
            if p.chrom == g.chrom and (inside or gap < far):
                value = 1 if gap <= 0 else np.exp(-gap / decay)
                j = names.index(g.gene)
                expected[i, j] = max(expected[i, j], value)
    np.testing.assert_allclose(found.toarray(), expected, rtol=1e-5)


def test_order_changes_nothing_and_the_input_stays():
    adata = cells()
    before = adata.copy()
    out = gene_activity(adata, GENES, decay=2_000)
    other = gene_activity(adata[::-1, ::-1].copy(), GENES[::-1], decay=2_000)
    again = other[out.obs_names, out.var_names]
    np.testing.assert_allclose(again.X.toarray(), out.X.toarray())
    assert (adata.X != before.X).nnz == 0
    assert adata.var.equals(before.var)


def test_genes_take_the_names_of_the_data():
    aliases = pd.DataFrame({"gene": ["A", "B"], "id": ["ENSG1", "ENSG2"]})
    out = gene_activity(cells(), GENES, genes=["ENSG2", "ENSG1"], aliases=aliases)
    assert list(out.var_names) == ["ENSG1", "ENSG2"]


def test_nothing_in_reach_raises():
    with pytest.raises(ValueError, match=r"None of 2 genes has one of 1 peaks within 2000 bases"):
        gene_activity(cells(["chr1:500000-500100"]), GENES)
    with pytest.raises(ValueError, match="No chromosome of the annotation is known"):
        gene_activity(cells(["chr9:5-10"]), GENES)
    with pytest.raises(ValueError, match="Distances are positive: upstream=-1"):
        gene_activity(cells(), GENES, upstream=-1)


def test_human_activity_agrees_with_expression(real_data):
    from grnet.io.multiome import read_multiome

    folder = real_data / "grn" / "hesc_multiome"
    mdata = read_multiome(
        rna=folder / "RNA_features_x_cells.npz", atac=folder / "peaks_features_x_cells.npz"
    )
    rna = mdata["rna"]
    out = gene_activity(mdata["atac"], folder / "tss_hg38.tsv.gz", genes=rna.var_names)
    expressed = np.asarray(rna.X.mean(axis=0)).ravel()
    active = out.to_df().mean().reindex(rna.var_names, fill_value=0)
    rank = pd.Series(expressed, index=rna.var_names).corr(active, method="spearman")
    # sparse cells and a weak relation, but six standard errors from none
    assert rank > 6 / np.sqrt(rna.n_vars)
