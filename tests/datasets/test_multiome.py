"""The simulated multiome holds what it plants, agrees with itself, and gives nothing else away."""

import filecmp
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

import grnet as gn
from grnet import _alphabet, _intervals
from grnet.cis.links import link_peaks
from grnet.cis.motifs import scan_motifs
from grnet.datasets.multiome import simulate_multiome
from grnet.io.fragments import read_fragments
from grnet.io.genome.intervals import read_peaks
from grnet.io.tracks.methylation import read_methylation

SAMPLES = [f"type{i}_{condition}" for i in (1, 2, 3) for condition in ("control", "treated")]


@pytest.fixture(scope="module")
def default():
    return simulate_multiome()


@pytest.fixture(scope="module")
def replicates(default):
    return [default, simulate_multiome(seed=1), simulate_multiome(seed=2)]


@pytest.fixture(scope="module")
def small():
    return simulate_multiome(n_cells=90, n_genes=40, n_tfs=6, n_chromosomes=2, seed=5)


def standardised(x):
    centred = x - x.mean(axis=0)
    spread = centred.std(axis=0)
    return centred / np.where(spread > 0, spread, 1)


def expression(multiome):
    x = multiome.mdata["rna"].to_df()
    return np.log1p(x.div(x.sum(axis=1), axis=0) * x.sum(axis=1).mean())


def accessibility(multiome):
    return np.log1p(multiome.mdata["atac"].to_df())


def paired_correlation(one, other):
    """Of column i with column i."""
    return (standardised(np.asarray(one)) * standardised(np.asarray(other))).mean(axis=0)


def truth_matrix(multiome):
    rna = multiome.mdata["rna"]
    tfs = rna.var_names[rna.var["is_tf"]]
    planted = pd.DataFrame(data=False, index=tfs, columns=rna.var_names)
    for source, target in multiome.edges[["source", "target"]].to_numpy():
        planted.loc[source, target] = True
    return planted, tfs.to_numpy()[:, None] != rna.var_names.to_numpy()


def auroc(score, planted, candidate):
    return roc_auc_score(planted.to_numpy()[candidate], np.asarray(score)[candidate])


def in_peaks(points, peaks):
    """The peak that each position lies in."""
    spans = points.assign(start=points["summit"], end=points["summit"] + 1)
    row, peak = _intervals.overlaps(spans, peaks)
    return points.iloc[row].assign(peak=peaks.index.to_numpy()[peak])


def decayed_links(multiome):
    """Peaks x genes: 1 at the start of the gene, less further away."""
    peaks = multiome.mdata["atac"].var
    genes = multiome.annotation.set_index("gene").loc[multiome.mdata["rna"].var_names]
    middle = ((peaks["start"] + peaks["end"]) // 2).to_numpy()[:, None]
    weight = np.exp(-np.abs(middle - genes["tss"].to_numpy()) / 5_000)
    same = peaks["chrom"].to_numpy()[:, None] == genes["chrom"].to_numpy()
    return pd.DataFrame(weight * same, index=peaks.index, columns=genes.index)


def test_all_parts_agree_on_names_and_sizes(default):
    rna, atac = default.mdata["rna"], default.mdata["atac"]
    assert rna.shape == (600, 200)
    assert atac.shape == (600, 800)
    assert repr(default).startswith("SimulatedMultiome(600 cells, 200 genes, 12 TFs, 800 peaks")
    assert default.mdata.shape == (600, 1_000)
    assert (rna.obs_names == atac.obs_names).all()
    assert set(default.fragments["barcode"]) == set(rna.obs_names)
    for data in (default.mdata, rna, atac):
        assert (data.obs.value_counts(["cell_type", "condition"]) == 100).all()
    for matrix in (rna.X, atac.X):
        assert sp.issparse(matrix)
        assert matrix.format == "csr"
        assert (matrix.data == np.rint(matrix.data)).all()
        assert matrix.data.min() >= 1
    assert (atac.var_names == _intervals.names(atac.var)).all()
    assert set(default.annotation["gene"]) == set(rna.var_names)
    assert [motif.tfs for motif in default.motifs] == [(f"TF{i}",) for i in range(1, 13)]
    assert (default.regions["peak"] == atac.var_names).all()
    assert default.methylation.obs_names.tolist() == SAMPLES


def test_same_seed_same_data_other_seed_other_data(small):
    arguments = {"n_cells": 90, "n_genes": 40, "n_tfs": 6, "n_chromosomes": 2}
    again, other = (simulate_multiome(**arguments, seed=seed) for seed in (5, 6))
    for field in fields(small):
        one, two = getattr(small, field.name), getattr(again, field.name)
        if isinstance(one, pd.DataFrame):
            pd.testing.assert_frame_equal(one, two)
    assert small.sequences == again.sequences
    assert small.sequences != other.sequences
    for mod in ("rna", "atac"):
        assert (small.mdata[mod].X != again.mdata[mod].X).nnz == 0
        assert small.mdata[mod].obs.equals(again.mdata[mod].obs)


def test_genome_and_network_do_not_depend_on_cells_and_depths(small):
    arguments = {"n_genes": 40, "n_tfs": 6, "n_chromosomes": 2, "seed": 5}
    other = simulate_multiome(n_cells=200, rna_depth=9, atac_depth=0.1, dropout=1, **arguments)
    assert small.sequences == other.sequences
    pairs = ["source", "region", "target", "sign", "distance"]
    assert small.triplets[pairs].equals(other.triplets[pairs])
    assert small.motif_sites.equals(other.motif_sites)


@settings(max_examples=12)
@given(
    n_genes=st.integers(1, 25),
    share=st.floats(0, 1),
    n_types=st.integers(1, 4),
    n_chromosomes=st.integers(1, 4),
    peaks_per_gene=st.integers(1, 6),
    seed=st.integers(0, 2**32),
)
def test_any_size_is_consistent(*, n_genes, share, n_types, n_chromosomes, peaks_per_gene, seed):
    n_tfs = max(1, round(share * n_genes))
    multiome = simulate_multiome(
        n_cells=20,
        n_genes=n_genes,
        n_tfs=n_tfs,
        n_cell_types=n_types,
        n_chromosomes=min(n_chromosomes, n_genes),
        peaks_per_gene=peaks_per_gene,
        regulators_per_gene=min(3, n_tfs),
        seed=seed,
    )
    peaks = multiome.mdata["atac"].var
    assert len(peaks) == n_genes * peaks_per_gene
    assert len(_intervals.overlaps(peaks, peaks)[0]) == len(peaks)
    assert set(multiome.triplets["region"]) <= set(peaks.index)
    assert not (multiome.edges["source"] == multiome.edges["target"]).any()
    assert np.isfinite(multiome.edges["weight"]).all()
    assert (
        multiome.fragments["end"] <= multiome.fragments["chrom"].map(multiome.genome.sizes)
    ).all()
    assert not (multiome.genome.sequence(peaks) == _alphabet.UNKNOWN)[:, :300].any()


def test_motif_instances_are_where_they_are_said_to_be(default):
    found = {}
    for motif in default.motifs:
        sites = default.motif_sites.loc[default.motif_sites["tf"] == motif.tfs[0]]
        codes = default.genome.sequence(sites, stranded=True)
        observed = np.stack([(codes == base).mean(axis=0) for base in range(4)])
        assert np.abs(observed - motif.probabilities).max() < 0.18
        log_odds = np.log2(motif.probabilities / 0.25)
        positions = np.arange(motif.width)
        scores = log_odds[codes, positions].sum(axis=1)
        flipped = log_odds[_alphabet.reverse_complement(codes), positions].sum(axis=1)
        found[motif.name] = ((scores > 5).mean(), (flipped > 5).mean())
    shares = pd.DataFrame(found).T
    assert shares[0].min() > 0.9
    assert shares[1].mean() < 0.1


def test_motif_instances_lie_apart_inside_their_peak(default):
    sites = default.motif_sites
    site, other = _intervals.overlaps(sites, sites)
    assert (site == other).all()
    peak = default.mdata["atac"].var.loc[sites["peak"]]
    assert (sites["start"].to_numpy() >= peak["start"].to_numpy()).all()
    assert (sites["end"].to_numpy() <= peak["end"].to_numpy()).all()
    assert not sites.duplicated(["tf", "peak"]).any()
    assert sites.loc[sites["functional"], "bound"].all()
    acting = default.triplets[["source", "region"]].drop_duplicates()
    working = sites.loc[sites["functional"], ["tf", "peak"]].to_numpy().tolist()
    assert sorted(acting.to_numpy().tolist()) == sorted(working)
    # degenerate on purpose: more instances without effect, some of them bound
    assert sites["functional"].mean() < 0.5
    assert 0.05 < sites.loc[~sites["functional"], "bound"].mean() < 0.2


def test_the_genome_has_repeats_gaps_and_uneven_gc(default):
    text = "".join(default.sequences.values())
    assert 0.03 < sum(map(text.count, "acgt")) / len(text) < 0.3
    assert {len(sequence) for sequence in default.sequences.values()} == set(default.genome.sizes)
    for sequence in default.sequences.values():
        assert sequence.startswith("N" * 500)
        assert sequence.endswith("N" * 500)
        assert "N" * 600 in sequence[500:-500]
    upper = text.upper()
    gc = (upper.count("G") + upper.count("C")) / (len(upper) - upper.count("N"))
    assert 0.37 < gc < 0.46
    assert upper.count("C") == pytest.approx(upper.count("G"), rel=0.02)
    assert upper.count("CG") < 0.7 * upper.count("C") * upper.count("G") / len(upper)


def test_genes_have_a_promoter_at_their_start_on_both_strands(default):
    genes = default.annotation
    assert genes["strand"].value_counts().min() > 60
    forward = genes["strand"] == "+"
    assert (genes["tss"] == genes["start"].where(forward, genes["end"] - 1)).all()
    exons = default.exons.groupby("gene")
    lengths = (default.exons["end"] - default.exons["start"]).groupby(default.exons["gene"]).sum()
    by_gene = genes.set_index("gene")
    assert (by_gene["length"] == lengths.loc[by_gene.index]).all()
    assert (exons["start"].min().loc[by_gene.index] == by_gene["start"]).all()
    assert (exons["end"].max().loc[by_gene.index] == by_gene["end"]).all()
    promoters = default.regions.loc[default.regions["kind"] == "promoter"].set_index("target")
    tss = by_gene.loc[promoters.index, "tss"]
    assert promoters["start"].le(tss).all()
    assert promoters["end"].gt(tss).all()


def test_enhancers_are_near_but_often_not_at_the_nearest_gene(default):
    links = decayed_links(default)
    enhancers = default.regions.loc[default.regions["kind"] == "enhancer"]
    nearest = links.loc[enhancers["peak"]].idxmax(axis=1).to_numpy()
    assert 0.2 < (nearest == enhancers["target"]).mean() < 0.8
    own = default.triplets.drop_duplicates(["region", "target"])
    at_tss = own["distance"] == 0
    kind = default.regions.set_index("peak")["kind"].loc[own["region"]].to_numpy()
    assert (at_tss == (kind == "promoter")).all()
    assert 1_000 < own.loc[~at_tss, "distance"].abs().median() < 15_000
    assert 0.3 < (own.loc[~at_tss, "distance"] < 0).mean() < 0.7
    closest = links.max(axis=1).groupby(default.regions["kind"].to_numpy()).min()
    furthest = links.max(axis=1).groupby(default.regions["kind"].to_numpy()).max()
    assert furthest["decoy"] < closest["bystander"]


def test_fragments_reproduce_the_matrix(small):
    atac, fragments = small.mdata["atac"], small.fragments
    row, peak = _intervals.overlaps(fragments, atac.var)
    cell = atac.obs_names.get_indexer(fragments["barcode"])[row]
    counted = sp.csr_matrix((np.ones(len(row)), (cell, peak)), shape=atac.shape)
    assert (counted != atac.X).nnz == 0


def test_fragments_look_like_those_of_an_assay(default):
    fragments = default.fragments
    assert not fragments.duplicated(["chrom", "start", "end", "barcode"]).any()
    for _, on_chrom in fragments.groupby("chrom"):
        assert on_chrom["start"].is_monotonic_increasing
    assert (fragments["count"] >= 1).all()
    length = fragments["end"] - fragments["start"]
    share = np.histogram(length, [0, 40, 110, 150, 250, 601])[0] / len(fragments)
    assert share[1] > share[3] > share[2]
    bases = default.genome.sequence(fragments.sample(2_000, random_state=0), width=25)
    assert (bases != _alphabet.UNKNOWN).all()
    start, end = (
        fragments.assign(summit=fragments["start"]),
        fragments.assign(summit=fragments["end"] - 1),
    )
    insertions = pd.concat([start, end])
    tss = default.genome.tss()
    around, flank = (
        sum(
            len(in_peaks(insertions, tss.assign(start=tss["start"] + low, end=tss["end"] + high)))
            for low, high in spans
        )
        for spans in ([(-50, 50)], [(-2_000, -1_900), (1_900, 2_000)])
    )
    assert around / flank > 2 * 2.5


def test_chip_peaks_are_near_bound_sites_with_misses_and_false_ones(default):
    chip, sites = default.chip, default.motif_sites
    assert (chip["start"] <= chip["summit"]).all()
    assert (chip["summit"] < chip["end"]).all()
    assert chip["score"].between(0, 1_000).all()
    found = in_peaks(chip, default.mdata["atac"].var)
    bound = sites.loc[sites["bound"]].merge(found, on=["tf", "peak"], suffixes=("", "_chip"))
    assert 0.85 < len(bound) / sites["bound"].sum() < 0.95
    assert (bound["summit"] - (bound["start"] + bound["end"]) / 2).abs().median() < 15
    pairs = set(sites.loc[sites["bound"], ["tf", "peak"]].itertuples(index=False, name=None))
    true = [pair in pairs for pair in found[["tf", "peak"]].itertuples(index=False, name=None)]
    assert 0.03 < 1 - np.mean(true) < 0.2
    assert len(chip) > len(found)
    assert roc_auc_score(true, found["signal"]) > 0.75


def test_methylation_is_low_where_regions_are_open(default):
    cpgs, regions = default.methylation, default.regions
    bases = default.genome.sequence(cpgs.var)
    assert (bases == [1, 2]).all()
    methylated, coverage = (cpgs.layers[layer].toarray() for layer in ("methylated", "coverage"))
    assert (methylated <= coverage).all()
    cpg, region = _intervals.overlaps(cpgs.var, regions)
    level = methylated / np.where(coverage > 0, coverage, np.nan)
    outside = np.delete(level, cpg, axis=1)
    assert 0.75 < np.nanmean(outside) < 0.9
    for i, sample in enumerate(cpgs.obs_names):
        is_open = regions[sample].to_numpy()[region] > 0.5
        assert np.nanmean(level[i, cpg[is_open]]) < 0.35
        assert np.nanmean(level[i, cpg[~is_open]]) > 0.7


def test_truth_tables_agree(default):
    edges, triplets = default.edges, default.triplets
    through = triplets.groupby(["source", "target"])["weight"].sum()
    assert np.allclose(edges.set_index(["source", "target"])["weight"], through)
    assert (edges["sign"] == np.sign(edges["weight"])).all()
    assert edges.groupby("source")["sign"].nunique().eq(1).all()
    assert set(edges["sign"]) == {-1, 1}
    assert len(gn.GRN(edges)) == len(edges)
    shipped = gn.datasets.truth(default.mdata["rna"])
    assert shipped.equals(edges[["source", "target", "weight"]])
    regulated = default.regions.set_index("peak").loc[triplets["region"]]
    assert (regulated["target"].to_numpy() == triplets["target"]).all()
    assert set(regulated["kind"]) == {"promoter", "enhancer"}
    assert (regulated["opening"] != "never").all()
    assert len(triplets) > len(edges)


def test_specific_edges_are_those_whose_regions_are_not_open_everywhere(default):
    is_open = default.regions.set_index("peak")[SAMPLES] > 0.5
    acting = {}
    for source, region, target in default.triplets[["source", "region", "target"]].to_numpy():
        own = set(is_open.columns[is_open.loc[region]])
        acting[source, target] = acting.get((source, target), set()) | own
    expected = {
        (*pair, *sample.split("_"))
        for pair, where in acting.items()
        for sample in where
        if len(where) < len(SAMPLES)
    }
    found = set(default.specific_edges.itertuples(index=False, name=None))
    assert found == expected
    by_edge = default.specific_edges.groupby(["source", "target"])
    assert (by_edge["condition"].nunique() < 2).sum() > 30
    assert (by_edge["cell_type"].nunique() < 3).sum() > 30


def test_rna_follows_the_tf_and_its_region(replicates):
    for multiome in replicates:
        rna, atac, triplets = expression(multiome), accessibility(multiome), multiome.triplets
        product = rna[triplets["source"]].to_numpy() * atac[triplets["region"]].to_numpy()
        own = paired_correlation(product, rna[triplets["target"]]) * triplets["sign"]
        shuffled = triplets["target"].sample(frac=1, random_state=0)
        other = paired_correlation(product, rna[shuffled])
        assert np.mean(own > 0) > 0.8
        assert np.median(own) > 2 * np.median(np.abs(other))
        alone = paired_correlation(rna[triplets["source"]], rna[triplets["target"]])
        assert 0.75 < np.mean(np.sign(alone) == triplets["sign"]) < 0.97


def test_edges_act_only_under_their_condition(replicates):
    correlations = {}
    for multiome in replicates:
        rna, condition = expression(multiome), multiome.mdata.obs["condition"]
        opening = multiome.regions.set_index("peak")["opening"]
        # the edge has no other region
        single = ~multiome.triplets.duplicated(["source", "target"], keep=False)
        for where in ("control", "treated"):
            triplets = multiome.triplets.loc[
                single & (opening[multiome.triplets["region"]] == where).to_numpy()
            ]
            for cells in ("control", "treated"):
                here = rna.loc[(condition == cells).to_numpy()]
                r = paired_correlation(here[triplets["source"]], here[triplets["target"]])
                signed = (r * triplets["sign"]).to_numpy()
                correlations.setdefault((where, cells), []).append(signed)
    mean = {key: np.concatenate(values).mean() for key, values in correlations.items()}
    for where, elsewhere in (("control", "treated"), ("treated", "control")):
        assert mean[where, where] > 0.1
        assert mean[where, elsewhere] < 0.35 * mean[where, where]


def test_evidence_beats_correlation_and_is_not_the_truth(replicates):
    for multiome in replicates:
        planted, candidate = truth_matrix(multiome)
        z = standardised(expression(multiome))
        correlation = (z[planted.index].T @ z / len(z)).abs()
        peaks = multiome.mdata["atac"].var
        sites = multiome.motif_sites
        motif = pd.crosstab(sites["tf"], sites["peak"]).reindex(planted.index, columns=peaks.index)
        found = in_peaks(multiome.chip, peaks)
        chip = pd.crosstab(found["tf"], found["peak"]).reindex(planted.index, columns=peaks.index)
        links = decayed_links(multiome)
        by_motif = motif.fillna(0) @ links
        by_both = (motif.fillna(0) * chip.fillna(0)) @ links
        scores = [auroc(score, planted, candidate) for score in (correlation, by_motif, by_both)]
        assert 0.6 < scores[0] < 0.8
        assert scores[0] + 0.08 < scores[1] < scores[2] < 0.95


def test_degrees_give_no_edge_away(replicates):
    for multiome in replicates:
        planted, candidate = truth_matrix(multiome)
        shape = np.ones(planted.shape)
        out, into = planted.sum(axis=1).to_numpy(), planted.sum(axis=0).to_numpy()
        assert out.max() - out.min() <= 6
        assert auroc(shape * out[:, None], planted, candidate) < 0.52
        assert auroc(shape * into, planted, candidate) < 0.55


def test_composition_and_width_do_not_tell_which_peaks_are_bound(replicates):
    scores = []
    for multiome in replicates:
        peaks, sites = multiome.mdata["atac"].var, multiome.motif_sites
        codes = multiome.genome.sequence(peaks)
        known = (codes != _alphabet.UNKNOWN).sum(axis=1)
        gc = np.isin(codes, (1, 2)).sum(axis=1) / known
        n_sites = sites["peak"].value_counts().reindex(peaks.index).fillna(0)
        for truth in ("bound", "functional"):
            planted = peaks.index.isin(sites.loc[sites[truth], "peak"])
            rows = {"gc": gc, "width": known, "instances": n_sites}
            scores += [
                {"truth": truth, "by": name, "auroc": roc_auc_score(planted, values)}
                for name, values in rows.items()
            ]
    mean = pd.DataFrame(scores).groupby(["truth", "by"])["auroc"].mean()
    assert mean.between(0.4, 0.6).all(), mean


def test_dropout_and_depth(small):
    arguments = {"n_cells": 90, "n_genes": 40, "n_tfs": 6, "seed": 5}
    deep = simulate_multiome(**arguments, rna_depth=20, atac_depth=2)
    lossy = simulate_multiome(**arguments, dropout=2.0)
    assert deep.mdata["rna"].X.mean() == pytest.approx(20, rel=0.15)
    assert deep.mdata["atac"].X.mean() > 2.5 * small.mdata["atac"].X.mean()
    assert lossy.mdata["rna"].X.nnz < 0.8 * small.mdata["rna"].X.nnz


def test_files_are_read_back(small, tmp_path):
    files = small.write(tmp_path / "simulated")
    rna, atac = small.mdata["rna"], small.mdata["atac"]
    genome = gn.io.Genome(files.genome, annotation=files.annotation)
    pd.testing.assert_series_equal(genome.sizes, small.genome.sizes)
    assert (genome.sequence(atac.var) == small.genome.sequence(atac.var)).all()
    pd.testing.assert_frame_equal(genome.genes, small.annotation, check_like=True)
    motifs = gn.io.read_motifs(files.motifs)
    assert [motif.tfs for motif in motifs] == [motif.tfs for motif in small.motifs]
    for one, two in zip(motifs, small.motifs, strict=True):
        assert np.allclose(one.probabilities, two.probabilities, atol=1e-6)
    back = gn.io.read_expression(files.rna)
    assert (back.X != rna.X).nnz == 0
    assert gn.datasets.truth(back).equals(gn.datasets.truth(rna))
    for name in ("edges", "triplets", "motif_sites", "specific_edges"):
        table = pd.read_csv(files.truth / f"{name}.tsv", sep="\t")
        pd.testing.assert_frame_equal(table, getattr(small, name), check_dtype=False)


def test_peaks_are_read_back(small, tmp_path):
    files = small.write(tmp_path)
    chip = read_peaks(files.chip).sort_values(["tf", "start", "chrom"], ignore_index=True)
    expected = small.chip.sort_values(["tf", "start", "chrom"], ignore_index=True)
    pd.testing.assert_frame_equal(chip, expected)
    peaks = read_peaks(files.peaks)
    assert (peaks["name"] == small.mdata["atac"].var_names).all()
    assert (_intervals.names(peaks) == small.mdata["atac"].var_names).all()


def test_methylation_is_read_back(small, tmp_path):
    files, cpgs = small.write(tmp_path), small.methylation
    back = read_methylation(files.methylation, genome=small.genome)
    assert (back.obs_names == cpgs.obs_names).all()
    assert (back.var_names == cpgs.var_names).all()
    for layer in ("methylated", "coverage"):
        assert (back.layers[layer] != cpgs.layers[layer]).nnz == 0


def test_a_motif_scan_finds_the_planted_instances_and_more(small):
    hits = scan_motifs(small.genome, small.mdata["atac"].var, small.motifs)
    place = ["chrom", "start", "end", "strand", "tf", "peak"]
    found = small.motif_sites.merge(hits, on=place)
    assert 0.7 < len(found) / len(small.motif_sites) <= 1
    assert len(hits) > 1.2 * len(found)


def test_distances_are_those_of_links(small):
    links = link_peaks(
        small.mdata["atac"].var, small.genome, method="distance", max_distance=100_000
    )
    joined = small.triplets.merge(
        links, left_on=["region", "target"], right_on=["peak", "gene"], suffixes=("", "_link")
    )
    assert len(joined) == len(small.triplets)
    assert (joined["distance"] == joined["distance_link"]).all()


def test_fragments_are_counted_back(small, tmp_path):
    files, atac = small.write(tmp_path), small.mdata["atac"]
    counted = read_fragments(
        files.fragments, atac.var, barcodes=atac.obs_names, annotation=small.genome
    )
    assert (counted.var_names == atac.var_names).all()
    assert (counted.obs_names == atac.obs_names).all()
    assert (counted.X != atac.X).nnz == 0
    assert counted.obs["tss_enrichment"].median() > 2


def test_files_are_the_same_each_time(small, tmp_path):
    one, two = (small.write(tmp_path / name) for name in ("one", "two"))
    assert filecmp.cmp(one.fragments, two.fragments, shallow=False)
    names = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*")]
    assert sum(path.suffix == ".narrowPeak" for path in names) == 6
    assert not [path for path in names if path.suffix == ".part"]
    text = [path for path in names if path.suffix not in {".h5ad", ""}]
    same, different, errors = filecmp.cmpfiles(tmp_path / "one", tmp_path / "two", text, False)
    assert (len(same), different, errors) == (len(text), [], [])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_tfs": 201}, r"n_tfs=201 is out of range: expected 1 to 200"),
        ({"n_cell_types": 301}, r"n_cell_types=301 is out of range: expected 1 to 300"),
        ({"n_chromosomes": 0}, r"n_chromosomes=0 is out of range"),
        ({"peaks_per_gene": 7}, r"peaks_per_gene=7 is out of range: expected 1 to 6"),
        ({"regulators_per_gene": 9}, r"regulators_per_gene=9 is out of range: expected 1 to 8"),
        ({"rna_depth": 0}, r"rna_depth=0 is out of range"),
        ({"atac_depth": -1}, r"atac_depth=-1 is out of range"),
        ({"dropout": -0.1}, r"dropout=-0.1 is out of range"),
    ],
)
def test_sizes_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        simulate_multiome(**arguments)
