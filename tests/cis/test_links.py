"""Peak-gene links: distances, promoters, and a null that holds."""

from unittest import mock

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from mudata import MuData
from scipy.stats import kstest, spearmanr

import grnet as gn
from grnet.cis import _moments, _null

SITES = pd.DataFrame(
    {
        "chrom": ["chr1", "chr1", "chr2"],
        "tss": [5_000, 20_000, 5_000],
        "gene": ["PLUS", "MINUS", "OTHER"],
        "strand": ["+", "-", "+"],
    }
)

RNA_ONLY = MuData({"rna": ad.AnnData(np.ones((2, 1)), var=pd.DataFrame(index=["PLUS"]))})


def interval(chrom, start, end):
    return pd.DataFrame({"chrom": [chrom], "start": [start], "end": [end]})


@st.composite
def places(draw):
    start = draw(st.integers(0, 30_000))
    return interval("chr1", start, start + draw(st.integers(1, 3_000)))


@given(places())
def test_distance_is_that_of_the_nearest_base(peak):
    links = gn.cis.link_peaks(peak, SITES, max_distance=1_000_000, scale=1e6).set_index("gene")
    bases = np.arange(peak["start"][0], peak["end"][0])
    for gene, tss, sign in (("PLUS", 5_000, 1), ("MINUS", 20_000, -1)):
        nearest = bases[np.abs(bases - tss).argmin()]
        assert links.loc[gene, "distance"] == sign * (nearest - tss)
    assert "OTHER" not in links.index
    assert np.allclose(links["weight"], np.exp(-links["distance"].abs() / 1e6))


def test_reach_is_inclusive_and_every_gene_counts_by_its_nearest_site():
    sites = pd.concat([SITES, SITES.assign(tss=SITES["tss"] + 3_000)])
    peak = interval("chr1", 9_001, 9_002)
    links = gn.cis.link_peaks(peak, sites, max_distance=1_001)
    assert links[["gene", "distance"]].to_numpy().tolist() == [["PLUS", 1_001]]
    with pytest.raises(ValueError, match="No peak lies within 1,000 bases of a gene"):
        gn.cis.link_peaks(peak, sites, max_distance=1_000)


def test_gene_body_counts_as_no_distance():
    gene = SITES.iloc[:1].assign(start=5_000, end=9_000)
    peak = interval("chr1", 8_000, 8_100)
    assert gn.cis.link_peaks(peak, gene)["distance"].tolist() == [3_000]
    assert gn.cis.link_peaks(peak, gene, gene_body=True)["distance"].tolist() == [0]


def test_usual_distance_follows_the_density_of_genes():
    dense = pd.DataFrame({"chrom": "I", "tss": np.arange(100) * 1_800, "strand": "+"})
    dense["gene"] = [f"g{i}" for i in range(100)]
    links = gn.cis.link_peaks(interval("chrI", 900, 901), dense)
    assert links.attrs["max_distance"] == 1_800
    assert links.attrs["scale"] == 360
    sparse = dense.assign(tss=dense["tss"] * 100)
    assert gn.cis.link_peaks(interval("1", 9, 10), sparse).attrs["max_distance"] == 100_000


def test_names_of_peaks_and_chromosomes_stay_those_of_the_data():
    atac = ad.AnnData(np.ones((2, 1)), var=pd.DataFrame(index=["1-5100-5200"]))
    links = gn.cis.link_peaks(atac, SITES)
    assert links["peak"].unique().tolist() == ["1-5100-5200"]
    aliases = pd.DataFrame({"id": ["G1"], "symbol": ["PLUS"]})
    rna = ad.AnnData(np.ones((2, 1)), var=pd.DataFrame(index=["G1"]))
    mdata = MuData({"rna": rna, "atac": atac})
    links = gn.cis.link_peaks(mdata, SITES, aliases=aliases)
    assert links["gene"].tolist() == ["G1"]


def test_promoters_take_the_place_of_peaks():
    links = gn.cis.link_peaks(None, SITES, promoter=(600, 50)).set_index("gene")
    assert links.loc["PLUS", "peak"] == "chr1:4400-5050"
    assert links.loc["MINUS", "peak"] == "chr1:19951-20601"
    rna = ad.AnnData(np.ones((2, 2)), var=pd.DataFrame(index=["plus", "ABSENT"]))
    for data in (rna, ["plus", "ABSENT"], MuData({"rna": rna})):
        assert gn.cis.link_peaks(data, SITES)["gene"].tolist() == ["plus"]
    genome = gn.io.Genome.from_sequences({"1": "A" * 5_010}, annotation=SITES.iloc[:1])
    links = gn.cis.link_peaks(None, genome, promoter=(6_000, 50))
    assert links["peak"].tolist() == ["1:0-5010"]


def test_peaks_of_another_assembly_are_refused():
    genome = gn.io.Genome.from_sequences({"chr1": "A" * 6_000}, annotation=SITES.iloc[:1])
    with pytest.raises(ValueError, match="another assembly"):
        gn.cis.link_peaks(interval("chr1", 5_900, 6_100), genome)


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (None, {"method": "distance"}, "There are no peaks"),
        (interval("chr1", 1, 2), {"method": "corelation"}, "Did you mean 'correlation'"),
        (interval("chr1", 1, 2), {"method": "correlation"}, "needs a MuData"),
        (interval("chrZ", 1, 2), {}, "No chromosome of the annotation is known"),
        (interval("chr1", 1, 2), {"scale": 0}, "scale=0 is out of range"),
        (["chr1:1-2"], {"method": "promoter"}, "the data are peaks"),
        (["NANOG"], {}, "Only 0 of 1 genes are in the annotation"),
        (RNA_ONLY, {"method": "distance"}, "has no 'atac'"),
    ],
)
def test_errors_say_what_to_do(data, options, message):
    with pytest.raises(ValueError, match=message):
        gn.cis.link_peaks(data, SITES, **options)


def multiome(n_cells=300, n_peaks=900, n_genes=120, *, planted=60, seed=0):
    """Counts with a shared depth, and genes that follow the peak at their own place."""
    rng = np.random.default_rng(seed)
    depth = rng.lognormal(0, 0.5, n_cells)[:, None]
    state = rng.normal(size=(n_cells, 4))
    loadings = rng.normal(size=(4, n_peaks)) * 0.4
    drive = np.exp(state @ loadings + rng.normal(size=(n_cells, n_peaks)) * 0.5)
    access = rng.poisson(depth * rng.uniform(0.05, 0.6, n_peaks) * drive)
    own = np.arange(n_genes) * (n_peaks // n_genes)
    mean = np.exp(state @ rng.normal(size=(4, n_genes)) * 0.4)
    mean[:, :planted] *= 1 + 2 * access[:, own[:planted]]
    expression = np.log1p(rng.poisson(depth * mean * rng.uniform(0.3, 2, n_genes)))
    chrom = np.array([f"chr{1 + i * 5 // n_peaks}" for i in range(n_peaks)])
    start = np.arange(n_peaks) * 10_000
    peaks = [f"{c}:{s}-{s + 500}" for c, s in zip(chrom, start, strict=True)]
    names = [f"g{i}" for i in range(n_genes)]
    cells = pd.DataFrame(index=[f"c{i}" for i in range(n_cells)])
    genes = pd.DataFrame({"chrom": chrom[own], "tss": start[own] + 250, "gene": names})
    mdata = MuData(
        {
            "rna": ad.AnnData(sp.csr_matrix(expression), obs=cells, var=pd.DataFrame(index=names)),
            "atac": ad.AnnData(sp.csr_matrix(access), obs=cells, var=pd.DataFrame(index=peaks)),
        }
    )
    return mdata, genes.assign(strand="+"), np.array(peaks)[own[:planted]]


@pytest.fixture(scope="module")
def planted():
    return multiome()


@pytest.fixture(scope="module")
def links(planted):
    mdata, genes, _ = planted
    return gn.cis.link_peaks(mdata, genes, max_distance=50_000, n_permutations=300)


def test_planted_links_are_found_and_the_rate_of_false_ones_holds(planted, links):
    _, _, peaks = planted
    true = set(zip(peaks, [f"g{i}" for i in range(len(peaks))], strict=True))
    found = links.loc[links["fdr"] <= 0.05]
    hits = [pair in true for pair in zip(found["peak"], found["gene"], strict=True)]
    assert links.attrs["method"] == "correlation"
    assert sum(hits) >= 0.5 * len(true)
    assert np.mean(hits) >= 0.85
    assert links["weight"].between(0, 1, inclusive="right").all()
    assert (links["weight"] >= np.exp(-links["distance"].abs() / 10_000) - 1e-9).all()


@pytest.mark.parametrize("method", ["correlation", "rank_correlation"])
def test_pvalues_are_uniform_where_cells_are_shuffled(method):
    mdata, genes, _ = multiome(planted=0, seed=1)
    rng = np.random.default_rng(2)
    rna = mdata["rna"][rng.permutation(mdata.n_obs)].copy()
    rna.obs_names = mdata["atac"].obs_names
    shuffled = MuData({"rna": rna, "atac": mdata["atac"].copy()})
    table = gn.cis.link_peaks(
        shuffled, genes, method=method, max_distance=50_000, n_permutations=300
    )
    # pairs of a gene share its cells: the test is one of the shape, not of independent draws
    assert kstest(table["pvalue"], "uniform").statistic < 0.06
    assert (table["pvalue"] <= 0.01).mean() <= 0.02
    assert (table["fdr"] <= 0.05).sum() <= 2


def test_correlations_are_those_of_numpy_and_scipy(planted, links):
    mdata, genes, _ = planted
    ranked = gn.cis.link_peaks(
        mdata, genes, method="rank_correlation", max_distance=50_000, n_permutations=300
    )
    for table, by in ((links, np.corrcoef), (ranked, spearmanr)):
        for row in table.sample(15, random_state=0).itertuples():
            x = mdata["atac"][:, row.peak].X.toarray().ravel()
            y = mdata["rna"][:, row.gene].X.toarray().ravel()
            expected = by(x, y)[0, 1] if by is np.corrcoef else by(x, y).statistic
            assert row.correlation == pytest.approx(expected, abs=1e-4)


def test_order_of_cells_peaks_and_genes_does_not_matter(planted, links):
    mdata, genes, _ = planted
    rng = np.random.default_rng(3)
    atac, rna = mdata["atac"], mdata["rna"]
    mixed = MuData(
        {
            "rna": rna[rng.permutation(rna.n_obs), rng.permutation(rna.n_vars)].copy(),
            "atac": atac[rng.permutation(atac.n_obs), rng.permutation(atac.n_vars)].copy(),
        }
    )
    again = gn.cis.link_peaks(
        mixed, genes.sample(frac=1, random_state=1), max_distance=50_000, n_permutations=300
    )
    pd.testing.assert_frame_equal(again, links)


def test_blocks_of_cells_and_genes_do_not_matter(planted, links, monkeypatch):
    mdata, genes, _ = planted
    monkeypatch.setattr(_null, "_CELLS", 64)
    again = gn.cis.link_peaks(mdata, genes, max_distance=50_000, n_permutations=300)
    pd.testing.assert_frame_equal(again, links, atol=2e-4)
    monkeypatch.setattr(_null, "_VALUES", 1 << 12)
    one_by_one = gn.cis.link_peaks(mdata, genes, max_distance=50_000, n_permutations=300)
    assert np.allclose(one_by_one["correlation"], links["correlation"], atol=1e-5)
    assert np.corrcoef(one_by_one["pvalue"], links["pvalue"])[0, 1] > 0.99


def test_constant_features_get_no_link_and_input_is_untouched(planted):
    mdata, genes, _ = planted
    rna, atac = mdata["rna"].copy(), mdata["atac"].copy()
    rna.X = sp.csr_matrix(np.where(np.arange(rna.n_vars) == 0, 1.0, rna.X.toarray()))
    atac.X = sp.csr_matrix(np.where(np.arange(atac.n_vars) == 7, 2.0, atac.X.toarray()))
    before = rna.X.copy(), atac.X.copy()
    both = MuData({"rna": rna, "atac": atac})
    table = gn.cis.link_peaks(both, genes, max_distance=20_000, n_permutations=300)
    constant = table["gene"].eq("g0") | table["peak"].eq(atac.var_names[7])
    assert constant.sum() > 1
    assert (table.loc[constant, ["correlation", "pvalue"]] == [0.0, 1.0]).all(axis=None)
    assert (before[0] != rna.X).nnz == 0
    assert (before[1] != atac.X).nnz == 0


def test_a_genome_with_sequences_matches_gc_content():
    """Peaks open by GC alone mimic a gene of a GC-rich state, unless GC is matched."""
    rng = np.random.default_rng(0)
    n_cells, n_peaks = 400, 400
    rich = rng.random(n_peaks) < 0.5
    letters = [rng.choice(list("GC" if is_rich else "AT"), 100) for is_rich in rich]
    half = n_peaks // 2
    sequences = {
        name: "".join(letter for part in letters[at : at + half] for letter in part)
        for name, at in (("chr1", 0), ("chr2", half))
    }
    state = rng.normal(size=(n_cells, 1))
    access = rng.poisson(np.exp(0.5 * state * rich))
    peaks = [f"chr{1 + i // half}:{i % half * 100}-{i % half * 100 + 100}" for i in range(n_peaks)]
    genes = pd.DataFrame({"chrom": "chr1", "tss": np.arange(50) * 100 + 50, "strand": "+"})
    genes["gene"] = [f"g{i}" for i in range(50)]
    expression = rng.poisson(np.exp(0.5 * np.repeat(state, 50, axis=1)))
    mdata = MuData(
        {
            "rna": ad.AnnData(expression.astype(float), var=pd.DataFrame(index=genes["gene"])),
            "atac": ad.AnnData(access.astype(float), var=pd.DataFrame(index=peaks)),
        }
    )
    genome = gn.io.Genome.from_sequences(sequences, annotation=genes)
    options = {"max_distance": 1_000, "n_permutations": 50}
    by_counts = gn.cis.link_peaks(mdata, genes, **options).set_index("peak")["pvalue"]
    by_gc = gn.cis.link_peaks(mdata, genome, **options).set_index("peak")["pvalue"]
    of_rich = np.array(peaks)[rich]
    assert by_gc[by_gc.index.isin(of_rich)].mean() == pytest.approx(0.5, abs=0.08)
    assert by_counts[by_counts.index.isin(of_rich)].mean() < 0.4


def test_one_chromosome_has_no_background(planted):
    mdata, genes, _ = planted
    atac = mdata["atac"][:, mdata["atac"].var_names.str.startswith("chr1:")].copy()
    one = MuData({"rna": mdata["rna"].copy(), "atac": atac})
    assert gn.cis.link_peaks(one, genes).attrs["method"] == "distance"
    with pytest.raises(ValueError, match="only 0 such peaks"):
        gn.cis.link_peaks(one, genes, method="correlation")
    with pytest.raises(ValueError, match="n_permutations=0 is out of range"):
        gn.cis.link_peaks(mdata, genes, n_permutations=0)


def test_unpaired_cells_are_linked_by_distance(planted):
    mdata, genes, _ = planted
    rna = mdata["rna"].copy()
    rna.obs_names = [f"other{i}" for i in range(rna.n_obs)]
    apart = MuData({"rna": rna, "atac": mdata["atac"].copy()})
    assert gn.cis.link_peaks(apart, genes).attrs["method"] == "distance"
    with pytest.raises(ValueError, match="The modalities share 0 cells"):
        gn.cis.link_peaks(apart, genes, method="correlation")


@given(st.integers(0, 10_000), st.booleans())
def test_sparse_moments_and_ranks_equal_dense_ones(seed, signed):
    rng = np.random.default_rng(seed)
    dense = rng.poisson(0.7, (12, 3)).astype(float) - (1.0 if signed else 0.0)
    matrix = _moments.columns(dense)
    assert np.allclose(_moments.spread(matrix), np.sqrt(12) * dense.std(axis=0))
    standard = _moments.standard(matrix)
    assert np.allclose(standard.mean(axis=0), 0, atol=1e-6)
    ranks = pd.DataFrame(dense).rank().to_numpy()
    with mock.patch.object(_moments, "_ENTRIES", 5):
        sparse = _moments.ranks(matrix).toarray()
    assert np.allclose(ranks - ranks.mean(axis=0), sparse - sparse.mean(axis=0), atol=1e-5)


@pytest.mark.needs_data
def test_human_multiome_promises_no_link_between_shuffled_cells(real_data):
    folder = real_data / "grn" / "hesc_multiome"

    def modality(name):
        matrix = sp.load_npz(folder / f"{name}_features_x_cells.npz").T.tocsr()
        names = pd.read_csv(folder / f"{name}_features.txt.gz", header=None)[0].astype(str)
        cells = pd.DataFrame(index=[f"cell{i}" for i in range(matrix.shape[0])])
        return ad.AnnData(matrix, obs=cells, var=pd.DataFrame(index=pd.Index(names, name=None)))

    rna, atac = modality("RNA"), modality("peaks")
    atac = atac[:, atac.var_names.str.contains(r"^chr(?:1|2|19)-")].copy()
    rna.obs_names = rna.obs_names[np.random.default_rng(0).permutation(rna.n_obs)]
    mdata = MuData({"rna": rna, "atac": atac})
    links = gn.cis.link_peaks(mdata, folder / "tss_hg38.tsv.gz", n_permutations=2_000)
    assert links.attrs["max_distance"] == 100_000
    assert len(links) > 5_000
    # a normal curve instead of counting would call p <= 0.001 seventeen times too often
    assert (links["pvalue"] <= 1e-3).mean() < 3e-3
    assert (links["pvalue"] <= 0.1).mean() == pytest.approx(0.1, abs=0.02)
    assert (links["fdr"] <= 0.05).sum() <= 1


def test_genes_wanted_bear_their_own_names():
    aliases = pd.DataFrame({"symbol": ["PLUS", "MINUS"], "id": ["ENSG1", "ENSG2"]})
    peak = interval("chr1", 6_000, 6_100)
    links = gn.cis.link_peaks(
        peak, SITES, genes=["ENSG1", "ENSG2"], aliases=aliases, max_distance=50_000
    )
    assert links["gene"].tolist() == ["ENSG1", "ENSG2"]
    assert gn.cis.link_peaks(peak, SITES, genes=["MINUS"], max_distance=50_000)[
        "gene"
    ].tolist() == ["MINUS"]


def test_peaks_on_contigs_that_the_genome_lacks_do_not_stop_the_others():
    multiome = gn.datasets.simulate_multiome(n_cells=60, n_genes=30, n_tfs=3, seed=1)
    atac = multiome.mdata["atac"].copy()
    frame = atac.var[["chrom", "start", "end"]].copy()
    frame.iloc[-1] = ["contig7", 10, 400]
    atac.var = frame.set_axis(frame["chrom"] + ":" + frame["start"].astype(str) + "-1", axis=0)
    mdata = MuData({"rna": multiome.mdata["rna"].copy(), "atac": atac})
    links = gn.cis.link_peaks(mdata, multiome.genome, method="correlation")
    assert len(links)
    assert not links["peak"].str.startswith("contig7").any()
