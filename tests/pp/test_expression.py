"""Identities of normalisation, agreement with scanpy, sparse equal to dense."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import grnet as gn
from grnet.pp import _matrix

FORMATS = [np.asarray, sp.csr_matrix, sp.csc_matrix, sp.csr_array]


@pytest.fixture
def counts():
    return gn.datasets.simulate(n_cells=60, n_genes=40, n_tfs=5, depth=1.0)


def dense(matrix):
    return matrix.toarray() if sp.issparse(matrix) else np.asarray(matrix)


def in_format(adata, form):
    out = adata.copy()
    out.X = form(adata.X.toarray())
    return out


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("target_sum", [None, 1e4])
def test_normalize_agrees_with_scanpy_in_every_format(counts, form, target_sum):
    ours, theirs = in_format(counts, form), counts.copy()
    gn.pp.normalize(ours, target_sum=target_sum)
    sc.pp.normalize_total(theirs, target_sum=target_sum)
    sc.pp.log1p(theirs)
    np.testing.assert_allclose(dense(ours.X), dense(theirs.X), rtol=1e-5)
    assert type(ours.X) is type(form(counts.X.toarray()))
    np.testing.assert_array_equal(dense(ours.layers["counts"]), counts.X.toarray())


def test_normalize_gives_every_cell_the_same_size(counts):
    gn.pp.normalize(counts, target_sum=5_000, log=False)
    np.testing.assert_allclose(np.asarray(counts.X.sum(axis=1)).ravel(), 5_000, rtol=1e-5)
    assert counts.uns["grnet_params"]["normalize"]["target_sum"] == 5_000


def test_normalize_to_a_layer_leaves_x(counts):
    before = counts.X.copy()
    gn.pp.normalize(counts, key_added="lognorm")
    assert (before != counts.X).nnz == 0
    again = counts.copy()
    again.X = again.layers["lognorm"].copy()
    again.layers["counts"] = before
    gn.pp.normalize(again, layer="counts")
    np.testing.assert_array_equal(dense(again.X), dense(counts.layers["lognorm"]))


def test_a_second_normalisation_is_refused_with_the_way_to_the_counts(counts):
    gn.pp.normalize(counts)
    with pytest.raises(ValueError, match=r"looks log-transformed.*pass layer='counts'"):
        gn.pp.normalize(counts)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda x: x * 100.5, r"looks normalised already.*want rounding.*sc.pp.log1p"),
        (np.log1p, r"looks log-transformed.*leave this step out"),
        (lambda x: x - 1, r"negative values"),
    ],
)
def test_values_that_are_no_counts_are_refused(counts, change, found):
    counts.X = change(counts.X.toarray())
    with pytest.raises(ValueError, match=found):
        gn.pp.normalize(counts)


def test_counts_in_raw_are_found(counts):
    counts.raw = counts.copy()
    counts.X = counts.X * 0.3
    with pytest.raises(ValueError, match=r"adata = adata.raw.to_adata\(\)"):
        gn.pp.normalize(counts)


def test_nan_names_the_gene(counts):
    counts.X = counts.X.toarray()
    counts.X[4, 7] = np.nan
    with pytest.raises(ValueError, match=r"NaN or infinite values in 1 column\(s\): 'G3'"):
        gn.pp.normalize(counts)


def test_empty_cells_stay_zero_and_are_told(counts, caplog):
    counts.X = sp.diags(np.where(np.arange(60) == 5, 0.0, 1.0)) @ counts.X
    gn.pp.normalize(counts)
    assert "1 of 60 cells have no count" in caplog.text
    assert counts.X[5].nnz == 0
    assert np.isfinite(counts.X.data).all()


@pytest.mark.parametrize("form", FORMATS)
def test_tpm_sums_to_a_million_and_follows_its_definition(counts, form):
    lengths = pd.Series(np.linspace(300, 9_000, counts.n_vars), index=counts.var_names)
    adata = in_format(counts, form)
    gn.pp.tpm(adata, lengths.sample(frac=1, random_state=0))
    raw = counts.X.toarray().astype(np.float64)
    rate = raw / lengths.to_numpy()
    expected = 1e6 * rate / rate.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(dense(adata.X), expected, rtol=1e-5)
    np.testing.assert_allclose(dense(adata.X).sum(axis=1), 1e6, rtol=1e-5)


def test_tpm_takes_series_frame_or_column_alike(counts):
    lengths = pd.Series(np.arange(100.0, 140.0), index=counts.var_names)
    counts.var["length"] = lengths
    from_column = gn.pp.tpm(counts, copy=True).X
    table = pd.DataFrame({"length": lengths, "chrom": "chr1"})
    for given_as in (lengths, table, lengths.to_frame("bases")):
        other = gn.pp.tpm(counts, given_as, copy=True).X
        assert (other != from_column).nnz == 0
    scaled = gn.pp.tpm(counts, lengths * 7, copy=True).X
    np.testing.assert_allclose(scaled.data, from_column.data, rtol=1e-6)


def test_tpm_takes_estimated_counts_but_no_logarithms(counts):
    counts.var["length"] = 1_000
    counts.X = counts.X * 100.25
    gn.pp.tpm(counts, log=True)
    with pytest.raises(ValueError, match="looks log-transformed"):
        gn.pp.tpm(counts)


def test_tpm_without_all_lengths_says_which(counts):
    lengths = pd.Series(1_000.0, index=counts.var_names)
    with pytest.raises(ValueError, match=r"10 of 40 genes \(25%\) have no length: 'TF1', 'TF2'"):
        gn.pp.tpm(counts, lengths.iloc[10:])
    lengths["TF3"] = 0
    with pytest.raises(ValueError, match=r"1 of 40 genes have no positive length: 'TF3'"):
        gn.pp.tpm(counts, lengths)
    with pytest.raises(ValueError, match=r"adata.var has no column 'length'"):
        gn.pp.tpm(counts)
    doubled = pd.concat([lengths, lengths])
    with pytest.raises(ValueError, match="occur more than once"):
        gn.pp.tpm(counts, doubled)


@pytest.mark.parametrize("form", FORMATS)
def test_zscore_has_mean_zero_and_spread_one_and_agrees_with_scanpy(counts, form):
    gn.pp.normalize(counts)
    adata = in_format(counts, form)
    before = adata.X.copy()
    gn.pp.zscore(adata)
    z = adata.layers["zscore"]
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(z.std(axis=0, ddof=1), 1, rtol=1e-5)
    np.testing.assert_allclose(z, sc.pp.scale(counts.X.toarray()), atol=2e-5)
    assert (dense(adata.X) == dense(before)).all()


def test_zscore_across_blocks_of_genes():
    rng = np.random.default_rng(0)
    adata = ad.AnnData(rng.normal(5, 2, (30, 700)))
    gn.pp.zscore(adata, max_value=1.5)
    expected = (adata.X - adata.X.mean(axis=0)) / adata.X.std(axis=0, ddof=1)
    np.testing.assert_allclose(adata.layers["zscore"], np.clip(expected, -1.5, 1.5), atol=1e-5)


def test_zscore_within_groups_removes_their_differences(counts):
    gn.pp.normalize(counts)
    gn.pp.zscore(counts, groupby="cell_type", key_added="z")
    for cells in counts.obs.groupby("cell_type", observed=True).indices.values():
        z = counts.layers["z"][cells]
        np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-6)
        spread = z.std(axis=0, ddof=1)
        assert ((np.abs(spread - 1) < 1e-5) | (spread == 0)).all()


def test_zscore_of_a_constant_gene_is_zero(counts):
    counts.X = counts.X.toarray()
    counts.X[:, 3] = 0.1
    counts.X[:, 4] = 0
    gn.pp.zscore(counts)
    assert (counts.layers["zscore"][:, 3:5] == 0).all()


def test_zscore_refuses_what_does_not_fit(counts):
    with pytest.raises(MemoryError, match=r"60 cells x 40 genes are dense.*more than max_gb=1e-09"):
        gn.pp.zscore(counts, max_gb=1e-9)
    counts.obs["donor"] = ["a", *["b"] * 59]
    with pytest.raises(ValueError, match=r"1 groups of 'donor' have one cell only \('a'\)"):
        gn.pp.zscore(counts, groupby="donor")
    counts.obs["donor"] = [None, *["b"] * 59]
    with pytest.raises(ValueError, match=r"1 cells have no 'donor'"):
        gn.pp.zscore(counts, groupby="donor")


def test_everything_is_recorded_and_travels_in_h5ad(counts, tmp_path):
    gn.pp.qc(counts)
    gn.pp.filter(counts, min_genes=1, min_cells=1)
    gn.pp.normalize(counts)
    gn.pp.zscore(counts, groupby="cell_type", max_value=10)
    counts.write_h5ad(tmp_path / "x.h5ad")
    back = ad.read_h5ad(tmp_path / "x.h5ad")
    assert set(back.uns["grnet_params"]) == {"qc", "filter", "normalize", "zscore"}
    assert back.uns["grnet_params"]["zscore"]["max_value"] == 10
    np.testing.assert_array_equal(back.layers["zscore"], counts.layers["zscore"])


@pytest.mark.parametrize("step", ["normalize", "zscore", "qc"])
def test_copy_views_backed_and_unknown_layers(counts, step, tmp_path):
    function = getattr(gn.pp, step)
    untouched = counts.copy()
    assert function(counts, copy=True) is not None
    assert counts.uns.keys() == untouched.uns.keys()
    assert not counts.layers
    with pytest.raises(ValueError, match="is a view"):
        function(counts[:10])
    with pytest.raises(ValueError, match=r"adata.layers has no 'raw'"):
        function(counts, layer="raw")
    with pytest.raises(ValueError, match="The matrix is empty"):
        function(counts[:0].copy())
    counts.write_h5ad(tmp_path / "x.h5ad")
    backed = ad.read_h5ad(tmp_path / "x.h5ad", backed="r")
    with pytest.raises(ValueError, match=r"adata.to_memory\(\)"):
        function(backed)
    assert function(backed, copy=True) is not None
    backed.file.close()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from(["counts", "normalized", "log", "scaled"]))
def test_scales_are_told_apart(seed, scale):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(30, (20, 10)).astype(np.float64)
    matrix = {
        "counts": counts,
        "normalized": 1e4 * counts / counts.sum(axis=1, keepdims=True) + 0.01,
        "log": np.log1p(counts),
        "scaled": counts - counts.mean(axis=0),
    }[scale]
    assert _matrix.scale_of(matrix) == scale
    assert _matrix.scale_of(sp.csr_matrix(matrix)) == scale


def annotation_of(names, lengths):
    start = 10_000 * np.arange(len(names))
    columns = {"chrom": "chr1", "start": start, "end": start + 5_000, "strand": "+", "tss": start}
    return pd.DataFrame(columns).assign(
        gene=names, gene_id=[f"ID{n}.3" for n in names], length=lengths
    )


def test_tpm_takes_lengths_from_an_annotation(counts):
    lengths = pd.Series(np.linspace(300, 9_000, counts.n_vars), index=counts.var_names)
    expected = gn.pp.tpm(counts, lengths, copy=True).X
    genes = annotation_of(counts.var_names, lengths.to_numpy()).sample(frac=1, random_state=0)
    twice = pd.concat([genes, genes.iloc[:5].assign(length=1)])
    for annotation in (genes, twice):
        out = gn.pp.tpm(counts, annotation=annotation, copy=True)
        np.testing.assert_allclose(out.X.data, expected.data, rtol=1e-6)
    assert out.uns["grnet_params"]["tpm"]["lengths"] == "annotation"
    by_id = counts.copy()
    by_id.var_names = [f"ID{name}" for name in counts.var_names]
    gn.pp.tpm(by_id, annotation=genes)
    np.testing.assert_allclose(by_id.X.data, expected.data, rtol=1e-6)
    aliases = pd.DataFrame({"name": counts.var_names, "alias": [f"a{n}|x{n}" for n in range(40)]})
    renamed = counts.copy()
    renamed.var_names = [f"x{n}" for n in range(40)]
    gn.pp.tpm(renamed, annotation=genes, aliases=aliases)
    np.testing.assert_allclose(renamed.X.data, expected.data, rtol=1e-6)


def test_tpm_with_an_annotation_reads_a_file_or_a_genome(counts, tmp_path):
    names, exons = list(counts.var_names), np.arange(200, 600, 10)
    row = 'chr1\tx\texon\t{}\t{}\t.\t+\t.\tgene_id "{}"; transcript_id "t{}";\n'
    path = tmp_path / "genes.gtf"
    # two exons that overlap by 50 bases: the union counts
    path.write_text(
        "".join(
            row.format(s, e, name, name)
            for i, (name, n) in enumerate(zip(names, exons, strict=True))
            for s, e in ((1000 * i + 1, 1000 * i + 100), (1000 * i + 51, 1000 * i + n))
        )
    )
    expected = gn.pp.tpm(counts, pd.Series(exons, index=names), copy=True).X
    genome = gn.io.Genome.from_sequences({"1": "ACGT" * 20_000}, annotation=path)
    for annotation in (path, str(path), genome):
        out = gn.pp.tpm(counts, annotation=annotation, copy=True).X
        np.testing.assert_allclose(out.data, expected.data, rtol=1e-6)


def test_tpm_with_a_foreign_annotation_says_so(counts):
    genes = annotation_of(counts.var_names, np.full(40, 1_000))
    with pytest.raises(ValueError, match=r"Only 0 of 40 genes are in the annotation"):
        gn.pp.tpm(counts, annotation=genes.assign(gene="other", gene_id="x"))
    with pytest.raises(ValueError, match=r"10 of 40 genes \(25%\) have no length.*aliases="):
        gn.pp.tpm(counts, annotation=genes.iloc[10:])
    with pytest.raises(ValueError, match=r"lacks the column.*'length'"):
        gn.pp.tpm(counts, annotation=genes.drop(columns="length"))
    with pytest.raises(ValueError, match="Both lengths= and annotation="):
        gn.pp.tpm(counts, pd.Series(1.0, index=counts.var_names), annotation=genes)
