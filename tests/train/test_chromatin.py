"""Chromatin states in one call: planted states, hidden marks, and other cell types."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_matrix
from sklearn.metrics import roc_auc_score

import grnet as gn
from grnet.train import _chromatin_windows as windows

MARKS = ["CTCF", "H3K4me3", "H3K27ac", "H3K36me3"]
EMISSIONS = np.array([[0.01, 0.01, 0.01, 0.01], [0.1, 0.9, 0.85, 0.05], [0.03, 0.02, 0.03, 0.8]])


def cell(n_bins=12_000, *, seed=0, chroms=("chr1", "chr2")):
    """A cell type with quiescent, promoter and transcribed stretches, and its states."""
    rng = np.random.default_rng(seed)
    state = np.zeros(n_bins, dtype=int)
    for t in range(1, n_bins):
        state[t] = state[t - 1] if rng.random() < 0.93 else rng.integers(3)
    on = (rng.random((n_bins, len(MARKS))) < EMISSIONS[state]).astype(np.uint8)
    chrom = np.repeat(chroms, n_bins // len(chroms))
    start = np.tile(np.arange(n_bins // len(chroms)) * 200, len(chroms))
    obs = pd.DataFrame({"chrom": chrom, "start": start, "end": start + 200})
    obs.index = obs["chrom"] + ":" + obs["start"].astype(str)
    return ad.AnnData(on, obs=obs, var=pd.DataFrame(index=MARKS)), state


@pytest.fixture(scope="module")
def fitted():
    marks, state = cell()
    settings = gn.train.FitSettings(max_epochs=12, batch_size=8, learning_rate=3e-3)
    return gn.train.chromatin_states(marks, n_states=3, settings=settings), marks, state


@pytest.fixture(scope="module")
def by_hmm():
    return gn.train.chromatin_states(cell()[0], method="hmm", n_states=3)


NAMES = ["active promoter", "transcription", "quiescent"]
PLANTED = ["quiescent", "active promoter", "transcription"]


def test_transformer_finds_and_names_planted_states(fitted):
    found, _, state = fitted
    assert found.emissions.index.tolist() == NAMES
    expected = pd.DataFrame(EMISSIONS, index=PLANTED, columns=MARKS).loc[NAMES]
    assert np.abs(found.emissions - expected).to_numpy().max() < 0.2
    called = found.states["name"].astype(str).to_numpy()
    assert np.mean(called == np.array(PLANTED)[state]) > 0.9


def test_hmm_finds_and_names_planted_states(by_hmm):
    assert by_hmm.emissions.index.tolist() == NAMES
    called = by_hmm.states["name"].astype(str).to_numpy()
    assert np.mean(called == np.array(PLANTED)[cell()[1]]) > 0.95
    assert by_hmm.params["method"] == "hmm"
    assert by_hmm.history["log_likelihood"].is_monotonic_increasing


@pytest.mark.parametrize("by", ["marks", "states"])
def test_hidden_marks_of_another_cell_come_near_the_best_possible(fitted, by_hmm, by):
    marks, _ = cell(6000, seed=9)
    hide = np.random.default_rng(1).random(marks.shape) < 0.03
    codes = np.where(hide, 2, marks.X).astype(np.uint8)
    truth = marks.X[hide]
    ours = roc_auc_score(truth, fitted[0].model.impute(codes, [3000, 3000], by=by)[hide])
    best = roc_auc_score(truth, by_hmm.model.impute(codes, [3000, 3000])[hide])
    assert ours > best - 0.04 > 0.8


def test_states_say_where_and_how_sure(fitted):
    states = fitted[0].states
    assert states.columns.tolist() == ["chrom", "start", "end", "state", "name", "posterior"]
    assert set(states["state"]) == {1, 2, 3}
    names = fitted[0].emissions.index.to_numpy()
    assert (names[states["state"] - 1] == states["name"].astype(str)).all()
    assert states["posterior"].between(1 / 3 - 1e-6, 1 + 1e-6).all()


def test_a_run_repeats_and_leaves_chance_alone():
    marks, _ = cell(3000, seed=2)
    settings = gn.train.FitSettings(max_epochs=1, batch_size=8)
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, again, other = (
        gn.train.chromatin_states(marks, n_states=3, settings=settings, seed=seed)
        for seed in (0, 0, 1)
    )
    assert torch.equal(before, torch.random.get_rng_state())
    pd.testing.assert_frame_equal(first.states, again.states)
    assert not np.allclose(first.emissions, other.emissions)


def test_marks_are_matched_by_name(by_hmm, caplog):
    marks, _ = cell(2000, seed=4)
    expected = by_hmm.apply(marks)
    turned = marks[:, MARKS[::-1]].copy()
    turned.X = csr_matrix(turned.X)
    pd.testing.assert_frame_equal(by_hmm.apply(turned), expected)
    fewer = by_hmm.apply(marks[:, MARKS[:3]].copy())
    assert "'H3K36me3' not measured" in caplog.text
    assert (fewer["name"] == expected["name"]).mean() > 0.5


def test_a_saved_model_tells_states(by_hmm, tmp_path):
    marks, _ = cell(2000, seed=4)
    path = gn.models.save(by_hmm.model, tmp_path / "states.safetensors")
    again = gn.train.assign_states(gn.models.load(path), marks)
    pd.testing.assert_frame_equal(again, by_hmm.apply(marks))


def test_gaps_end_a_chain(by_hmm):
    marks, _ = cell(2000, seed=4, chroms=("chr1",))
    gap = marks[np.r_[0:700, 900:2000]].copy()
    parts = [by_hmm.apply(marks[rows].copy()) for rows in (slice(0, 700), slice(900, 2000))]
    pd.testing.assert_frame_equal(by_hmm.apply(gap), pd.concat(parts))


def test_validation_shares_no_bin_with_training():
    values = np.zeros((20_000, 1), np.uint8)
    values[:, 0] = np.arange(20_000) % 2
    tagged = np.arange(20_000) // 2 % 251
    rng = np.random.default_rng(0)
    parts = windows.split(values, np.array([12_000, 8_000]), window=32, share=0.2, rng=rng)
    starts = [set(), set()]
    for seen, part, margin in zip(starts, (parts.train, parts.validation), (0, 16), strict=True):
        for start in part._starts:
            seen.update(range(start + margin, start + 64 - margin))
    assert len(parts.validation) > 50
    assert not starts[0] & starts[1]
    assert tagged.size == len(values)


def test_what_is_hidden_changes_nothing():
    marks, _ = cell(3000)
    codes = torch.from_numpy(np.tile(marks.X[:64], (2, 1))[None].repeat(3, axis=0))
    objective = windows.HiddenMarkObjective(window=64, seed=0)
    config = gn.models.ChromatinTransformerConfig(n_marks=4, n_states=3, window=64)
    model = gn.models.ChromatinTransformer(config).eval()
    hidden = objective.targets({"values": codes}).isfinite()
    flipped = codes.clone()
    flipped[:, 32:96][hidden] ^= 1
    assert 0.02 < hidden.float().mean() < 0.6
    with torch.no_grad():
        same = [objective.answer(model, {"values": v}).marks for v in (codes, flipped)]
    assert torch.equal(*same)


def test_mixture_loss_is_the_likelihood_of_the_marks_of_a_bin():
    rng = np.random.default_rng(0)
    posterior, emissions = rng.dirichlet(np.ones(3)), rng.uniform(0.1, 0.9, (3, 4))
    on = np.array([1.0, 0.0, 1.0, 1.0])
    scored = np.array([1.0, 1.0, 0.0, 1.0])
    each = np.where(on == 1, emissions, 1 - emissions)[:, scored == 1].prod(axis=1)
    found = windows._mixture_loss(
        torch.tensor(np.log(posterior))[None, None],
        torch.logit(torch.tensor(emissions)),
        present=torch.tensor(on)[None, None],
        weight=torch.tensor(scored)[None, None],
    )
    assert found.item() == pytest.approx(-np.log(posterior @ each) / 3)


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({"H3K4me3": 0.9, "H3K27ac": 0.8}, "active promoter"),
        ({"H3K4me3": 0.9, "H3K9ac": 0.5, "H3K4me1": 0.9}, "active promoter"),
        ({"H3K4me3": 0.9, "H3K27me3": 0.6, "H3K27ac": 0.5}, "bivalent promoter"),
        ({"H3K4me3": 0.7}, "weak promoter"),
        ({"H3K4me1": 0.8, "H3K27ac": 0.7}, "strong enhancer"),
        ({"H3K4me1": 0.8, "H3K36me3": 0.7}, "genic enhancer"),
        ({"H3K4me1": 0.8}, "weak enhancer"),
        ({"H3K36me3": 0.5}, "transcription"),
        ({"H4K20me1": 0.5}, "H4K20me1 transcription"),
        ({"H3K27me3": 0.5}, "repressed"),
        ({"CTCF": 0.95}, "insulator"),
        ({"WCE": 0.5}, "high control"),
        ({"H2AZ": 0.6, "CTCF": 0.2}, "H2AZ + CTCF"),
        ({"H3K27me3": 0.2}, "faint repressed"),
        ({"H2AZ": 0.2, "H3K27me3": 0.05}, "faint H2AZ"),
        ({"CTCF": 0.05}, "quiescent"),
        (dict.fromkeys(["CTCF", "H3K4me3", "H3K4me1", "H3K36me3"], 0.9), "every mark"),
    ],
)
def test_names_follow_the_marks(row, name):
    marks = ["CTCF", "H3K4me3", "h3k4me1", "H3K27ac", "H3K9ac", "H3K36me3", "H3K27me3", "H4K20me1"]
    marks = marks[: 8 if name != "every mark" else 6][:5] + marks[5:] + ["WCE", "H2AZ"]
    if name == "every mark":
        marks = ["CTCF", "H3K4me3", "h3k4me1", "H3K36me3", "WCE", "H3K27ac"]
        row = row | {"WCE": 0.6}
    values = np.array([[{k.upper(): v for k, v in row.items()}.get(m.upper(), 0.0) for m in marks]])
    assert gn.train.name_states(values, marks) == [name]


def test_names_are_numbered():
    assert gn.train.name_states(np.array([[0.9], [0.0], [0.8]]), ["CTCF"]) == [
        "insulator",
        "quiescent",
        "insulator 2",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.obs.pop("chrom"), r"marks.obs lacks .* 'chrom'"),
        (lambda m: setattr(m, "X", m.X + 2), r"expected 0 \(absent\), 1 \(present\) or 2"),
    ],
)
def test_refuses_what_is_no_marks(change, message):
    marks, _ = cell(200)
    change(marks)
    with pytest.raises(ValueError, match=message):
        gn.train.chromatin_states(marks, method="hmm", n_states=2)


def test_refuses_what_does_not_fit(by_hmm):
    marks, _ = cell(200)
    with pytest.raises(ValueError, match="Unknown method 'HMM'"):
        gn.train.chromatin_states(marks, method="HMM")
    marks.var_names = ["a", "b", "c", "d"]
    with pytest.raises(ValueError, match="No mark is known: there are 'a', 'b', 'c'"):
        by_hmm.apply(marks)
    with pytest.raises(ValueError, match=r"shape \(1, 2\), but there are 1 marks"):
        gn.train.name_states(np.zeros((1, 2)), ["CTCF"])


def test_hmm_on_real_marks_tells_promoters(real_data):
    folder = real_data / "chromatin"
    marks = gn.io.read_binarised_marks(folder / "K562_chr11_binary.txt.gz")[:60_000].copy()
    found = gn.train.chromatin_states(
        marks, method="hmm", n_states=8, settings=gn.train.FitSettings(max_epochs=25)
    )
    tss = gn.io.read_peaks(folder / "coords_hg18" / "RefSeqTSS.hg18.bed.gz")
    at = tss.loc[tss["chrom"] == "chr11", "start"].to_numpy() // 200
    names = found.states["name"].astype(str).str.contains("promoter").to_numpy()
    assert names[at[at < len(names)]].mean() > 5 * names.mean()
