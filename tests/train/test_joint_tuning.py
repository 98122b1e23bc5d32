"""All layers of the joint model trained together, down to the reader of the DNA."""

import copy
import itertools
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import roc_auc_score

import grnet as gn
from grnet.train._joint_objective import ByTarget, JointObjective, JointPairs, TunedModel

BRIEF = gn.train.FitSettings(max_epochs=3, learning_rate=1e-2, batch_size=256, device="cpu")
TUNING = gn.train.FitSettings(max_epochs=3, learning_rate=3e-3, batch_size=100, device="cpu")


def setting(**options):
    multiome = gn.datasets.simulate_multiome(n_cells=80, n_genes=60, n_tfs=5, seed=2)
    data = gn.graph.build(
        multiome.mdata, multiome.genome, motifs=multiome.motifs, sequence_width=100,
        n_components=5,
    )  # fmt: skip
    split = gn.train.split_edges(
        multiome.edges, tfs=data["tf"].name, genes=data["gene"].name, regime="target",
        n_negatives=3, shares=(0.5, 0.25, 0.25),
    )  # fmt: skip
    return multiome, split, gn.train.fit_joint(data, split, settings=BRIEF, **options)


@pytest.fixture(scope="module")
def fitted():
    return setting()


@pytest.fixture
def always_better(monkeypatch):
    """Let the tuned model count, whatever the validation says."""
    calls = iter([0.0, 1.0])
    monkeypatch.setattr(
        "grnet.train.joint_tuning.task_scores",
        lambda *_, **__: pd.DataFrame({"auprc": [next(calls)]}),
    )


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def changed(before, after, prefix):
    return [
        name
        for name in before
        if name.startswith(prefix) and not torch.equal(before[name], after[name])
    ]


PREFIXES = {"expression": ("towers.expression",), "graph": ("towers.graph",),
            "dna": ("reader", "sites")}  # fmt: skip


@pytest.mark.parametrize("frozen", [("dna",), ("expression", "graph"), ("graph",), ()])
@pytest.mark.usefixtures("always_better")
def test_frozen_layers_stay_bit_for_bit_and_the_others_move(fitted, frozen):
    _, split, joint = fitted
    before = weights(joint.model)
    tuned = gn.train.tune_joint(joint, split, settings=TUNING, freeze=frozen)
    after = weights(tuned.model)
    for layer, prefixes in PREFIXES.items():
        moved = [name for prefix in prefixes for name in changed(before, after, prefix)]
        assert bool(moved) == (layer not in frozen), (layer, moved)
    given = weights(joint.model)
    assert all(torch.equal(before[name], given[name]) for name in before)
    assert tuned.facts["tuned_epochs"] > 0
    assert tuned.facts["dna"] == pytest.approx(tuned.model.weight[-1].item())
    assert (tuned.model.weight >= 0).all()
    said = torch.from_numpy(
        gn.models.predict(tuned.model.reader, joint.graph["peak"].sequence.numpy(), raw=True)
    )
    torch.testing.assert_close(tuned.said, said)


@pytest.mark.usefixtures("always_better")
def test_a_frozen_reader_keeps_what_it_has_counted_too():
    """Batch normalisation counts in training, though it has no gradient."""
    torch.manual_seed(0)
    config = gn.models.SequenceCNNConfig(n_outputs=3, n_filters=4, filter_width=7)
    reader = gn.models.SequenceCNN(config)
    _, split, joint = setting(sequence_model=reader)
    before = weights(joint.model)
    assert any("running" in name for name in before)
    tuned = gn.train.tune_joint(joint, split, settings=TUNING, freeze=["dna"])
    assert not changed(before, weights(tuned.model), "reader")
    torch.testing.assert_close(tuned.said, joint.said)


def test_a_frozen_layer_says_in_training_what_it_said_before(fitted):
    _, _, joint = fitted
    tuned = TunedModel(joint.model, 0)
    tuned.freeze("graph")
    tuned.train()
    try:
        assert not any(part.training for part in joint.model.towers["graph"].modules())
        assert all(part.training for part in joint.model.towers["expression"].modules())
    finally:
        joint.model.eval().requires_grad_(requires_grad=True)


def test_where_no_epoch_is_better_the_given_weights_come_back(fitted):
    _, split, joint = fitted
    wild = replace(TUNING, learning_rate=10.0, max_epochs=1)
    # what it learns is the opposite of what is asked
    worse = replace(split, validation=split.validation.assign(
        label=(joint.logits(split.validation) > np.quantile(joint.logits(split.validation), 0.7))
        .astype(int)
    ))  # fmt: skip
    tuned = gn.train.tune_joint(joint, worse, settings=wild)
    assert tuned.facts["tuned_epochs"] == 0
    before = weights(joint.model)
    assert not changed(before, weights(tuned.model), "")
    np.testing.assert_array_equal(tuned.logits(split.test), joint.logits(split.test))


def test_training_lowers_the_loss_of_every_task(fitted):
    """Edges, bindings and accessibility are learnt from the gradients of the objective alone."""
    multiome, split, joint = fitted
    bindings = multiome.motif_sites[["tf", "peak"]].dropna()
    losses = {}
    for task in ("edges", "binding", "reconstruction"):
        alone = {name: float(name == task) for name in ("edges", "binding", "reconstruction")}
        objective = JointObjective(joint, bindings=bindings, loss=gn.train.JointLoss(**alone))
        torch.manual_seed(0)
        tuned = TunedModel(copy.deepcopy(joint.model), objective.n_reconstructed).eval()
        asked = np.concatenate([joint.evidence[name].train for name in joint.views], axis=1)
        pairs = JointPairs(joint, split.train, asked)
        batch = pairs.__getitems__(list(range(len(pairs))))
        optimiser = torch.optim.Adam(tuned.parameters(), lr=1e-2)
        for _ in range(25):
            loss = objective.loss(objective.answer(tuned, batch), batch)
            losses.setdefault(task, []).append(loss.item())
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    for task, values in losses.items():
        assert values[-1] < 0.85 * values[0], (task, values)


@pytest.mark.usefixtures("always_better")
def test_bindings_teach_the_dna_what_no_edge_does(fitted, monkeypatch):
    """Each TF is said to bind where another one has its motif."""
    _, split, joint = fitted
    later_is_better = itertools.count()
    monkeypatch.setattr(
        "grnet.train._joint_objective.JointObjective.metrics",
        lambda *_: {"auprc": float(next(later_is_better))},
    )
    names, peaks = joint.graph["tf"].name, np.array(joint.graph["peak"].name)
    said = joint.said.numpy()
    tops = {
        tf: peaks[np.argsort(-said[:, (i + 1) % len(names)])[:60]] for i, tf in enumerate(names)
    }
    bindings = pd.DataFrame(
        [(tf, peak) for tf, there in tops.items() for peak in there], columns=["tf", "peak"]
    )
    settings = replace(TUNING, max_epochs=20, learning_rate=2e-2, schedule="constant")
    tuned = gn.train.tune_joint(
        joint, split, bindings=bindings, settings=settings,
        loss=gn.train.JointLoss(edges=0.0, binding=1.0, reconstruction=0.0),
    )  # fmt: skip

    def told(fit):
        scores = fit.model.sites.scaled(fit.said) @ fit.model.sites.weight.T
        return np.mean([
            roc_auc_score(np.isin(peaks, tops[tf]), scores[:, i].detach())
            for i, tf in enumerate(names)
        ])  # fmt: skip

    assert told(tuned) > max(told(joint) + 0.1, 0.75)


def test_a_batch_whose_targets_have_no_peaks_teaches_what_it_can(fitted):
    _, _, joint = fitted
    objective = JointObjective(joint, bindings=None, loss=gn.train.JointLoss())
    tuned = TunedModel(joint.model, objective.n_reconstructed)
    near = joint.graph["peak", "near", "gene"].edge_index
    bare = replace(joint, graph=joint.graph.clone())
    bare.graph["peak", "near", "gene"].edge_index = near[:, near[1] != near[1, 0]]
    gene = joint.graph["gene"].name[near[1, 0]]
    pairs = pd.DataFrame(
        {"source": joint.graph["tf"].name, "target": gene, "label": [1, 0] * 2 + [0]}
    )
    at = np.stack([np.arange(5), np.full(5, near[1, 0])])
    batch = JointPairs(bare, pairs, joint.pair_features(at)).__getitems__([0, 1, 2])
    assert not len(batch["peaks"])
    assert torch.isfinite(objective.loss(objective.answer(tuned, batch), batch))


def test_batches_hold_all_pairs_of_their_targets_and_the_peaks_near_them(fitted):
    _, split, joint = fitted
    target = pd.factorize(split.train["target"])[0]
    order = ByTarget(target, seed=0)
    first = list(order)
    assert sorted(first) == list(range(len(split.train)))
    runs = 1 + (np.diff(target[first]) != 0).sum()
    assert runs == len(np.unique(target))
    assert list(order) == first
    order.set_epoch(1)
    assert list(order) != first
    pairs = JointPairs(joint, split.train, np.zeros((len(split.train), 1), np.float32))
    batch = pairs.__getitems__([4, 0])
    assert batch["y"].tolist() == split.train["label"].iloc[[4, 0]].tolist()
    near = joint.graph["peak", "near", "gene"].edge_index.numpy()
    genes = [joint.graph["gene"].name.index(name) for name in split.train["target"].iloc[[4, 0]]]
    assert set(batch["peaks"].tolist()) == set(near[0, np.isin(near[1], genes)])


def test_without_dna_there_is_still_something_to_tune(fitted):
    _, split, joint = fitted
    less = gn.train.fit_joint(joint.graph, split, settings=BRIEF, layers=("expression", "graph"))
    tuned = gn.train.tune_joint(less, split, settings=TUNING)
    assert tuned.layers == ("expression", "graph")
    assert np.isfinite(tuned.logits(split.test)).all()


def test_what_cannot_be_is_told(fitted):
    _, split, joint = fitted
    with pytest.raises(ValueError, match=r"All layers are frozen .expression, graph, dna.: leave"):
        gn.train.tune_joint(joint, split, freeze=["dna", "graph", "expression"])
    with pytest.raises(ValueError, match="Unknown layer 'rna'"):
        gn.train.tune_joint(joint, split, freeze=["rna"])
    with pytest.raises(ValueError, match="None of the 1 bindings joins a TF and a peak"):
        gn.train.tune_joint(joint, split, bindings=pd.DataFrame({"tf": ["X"], "peak": ["Y"]}))
    with pytest.raises(ValueError, match="binding"):
        gn.train.JointLoss(binding=-1.0)
    other = replace(split, train=split.train[::-1].iloc[5:])
    with pytest.raises(ValueError, match=r"are not those of the fit.*that fit_joint was given"):
        gn.train.tune_joint(joint, other)


RUN = """
import os
import signal
import sys
import threading
import time

sys.path.insert(0, {tests!r})
import numpy as np
import grnet as gn
from test_joint_tuning import TUNING, setting
from dataclasses import replace

folder = {folder!r}
_, split, joint = setting()
settings = replace(TUNING, max_epochs=8, batch_size=40)

def kill_when_an_epoch_is_kept():
    while not os.path.exists(os.path.join(folder, "last.ckpt")):
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGKILL)

if not os.path.exists(folder):
    threading.Thread(target=kill_when_an_epoch_is_kept, daemon=True).start()
    gn.train.tune_joint(joint, split, settings=settings, folder=folder)
    sys.exit("it ended before it was killed")
resumed = gn.train.tune_joint(joint, split, settings=settings, folder=folder)
whole = gn.train.tune_joint(joint, split, settings=settings)
assert resumed.facts == whole.facts, (resumed.facts, whole.facts)
np.testing.assert_allclose(resumed.logits(split.test), whole.logits(split.test), atol=1e-4)
"""


def test_a_killed_tuning_ends_like_one_that_was_not(tmp_path):
    code = RUN.format(tests=str(Path(__file__).parent), folder=str(tmp_path / "run"))
    command = [sys.executable, "-c", code]
    died = subprocess.run(command, check=False, capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
