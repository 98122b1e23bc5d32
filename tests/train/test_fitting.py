"""Training: learns what is planted, repeats itself, resumes, and leaves things as found."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import grnet as gn
from grnet._alphabet import to_codes

MOTIF = to_codes("TGACTCA")
QUICK = gn.train.FitSettings(max_epochs=6, batch_size=32, learning_rate=3e-3, device="cpu")
LONGER = gn.train.FitSettings(max_epochs=12, batch_size=32, learning_rate=3e-3, device="cpu")


def planted(n=400, *, seed=0, length=60):
    """Half of the sequences hold the motif at a drawn place."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (n, length)).astype(np.uint8)
    labels = np.arange(n) % 2
    for row in np.flatnonzero(labels):
        at = rng.integers(0, length - len(MOTIF))
        codes[row, at : at + len(MOTIF)] = MOTIF
    return gn.train.SequenceData(codes, labels)


def small(seed=0, **config):
    torch.manual_seed(seed)
    return gn.models.SequenceCNN(gn.models.SequenceCNNConfig(n_filters=16, n_hidden=16, **config))


def weights(model):
    return {key: value.clone() for key, value in model.state_dict().items()}


def same(first, second):
    """Whether weights agree, to what rounding may change: memory is not aligned alike each time."""
    return all(torch.allclose(first[key], second[key], rtol=0, atol=1e-3) for key in first)


def test_learns_a_planted_motif_and_not_shuffled_labels():
    train, test = planted(1500, seed=1), planted(seed=2)
    done = gn.train.fit(small(), train, validation=test, settings=LONGER)
    assert done.metrics["auroc"] > 0.95
    shuffled = np.random.default_rng(0).permutation(train.labels)
    noise = gn.train.SequenceData(train.codes, shuffled)
    lost = gn.train.fit(small(), noise, validation=test, settings=LONGER)
    assert lost.metrics["auroc"] < 0.65


def test_same_seed_same_weights_and_another_seed_other_ones():
    data = planted()
    runs = [gn.train.fit(small(), data, settings=QUICK, seed=seed) for seed in (0, 0, 1)]
    assert same(weights(runs[0].model), weights(runs[1].model))
    assert not same(weights(runs[0].model), weights(runs[2].model))


def test_the_best_epoch_comes_back():
    train, test = planted(seed=1), planted(200, seed=2)
    done = gn.train.fit(small(), train, validation=test, settings=QUICK)
    assert done.history["loss"].idxmin() == done.best_epoch
    scores = gn.train.task_scores(test.labels, gn.models.predict(done.model, test.codes))
    assert scores["auroc"].item() == pytest.approx(done.metrics["auroc"], abs=1e-6)


def test_stops_when_nothing_gets_better():
    data = planted(60)
    codes = np.random.default_rng(3).integers(0, 4, data.codes.shape).astype(np.uint8)
    noise = gn.train.SequenceData(codes, data.labels)
    settings = gn.train.FitSettings(max_epochs=200, patience=2, learning_rate=1e-2, device="cpu")
    done = gn.train.fit(small(), data, validation=noise, settings=settings)
    assert len(done.history) == done.best_epoch + 3 < 200


def test_random_state_of_the_caller_is_left_alone():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    model = small(seed=5)
    torch.random.set_rng_state(before)
    gn.train.fit(model, planted(40), settings=QUICK)
    assert torch.equal(torch.random.get_rng_state(), before)


RUN = """
import os
import sys

sys.path.insert(0, {tests!r})
import numpy as np
import grnet as gn
from test_fitting import QUICK, planted, same, small, weights

class Dying(gn.train.SequenceData):
    calls = 0

    def __getitems__(self, indices):
        Dying.calls += 1
        if Dying.calls > 32:
            os._exit(9)
        return super().__getitems__(indices)

def trained(data, **how):
    test = planted(100, seed=2)
    return gn.train.fit(small(dropout=0.5), data, validation=test, settings=QUICK, **how)

data, folder = planted(), {folder!r}
if not os.path.exists(folder):
    trained(Dying(data.codes, data.labels), folder=folder)
resumed, whole = trained(data, folder=folder), trained(data)
again = trained(data, folder=folder)
assert same(weights(resumed.model), weights(whole.model)), "the resumed run is another run"
assert same(weights(again.model), weights(whole.model)), "asking again gives another model"
np.testing.assert_allclose(resumed.history, whole.history, atol=0.02)
"""


def test_a_killed_run_goes_on_as_if_nothing_had_happened(tmp_path):
    # processes of their own: what ran before in this one may change how sums are rounded
    code = RUN.format(tests=str(Path(__file__).parent), folder=str(tmp_path / "run"))
    command = [sys.executable, "-c", code]
    died = subprocess.run(command, check=False, capture_output=True, text=True)
    assert died.returncode == 9, died.stderr
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_folder_of_another_run_is_refused(tmp_path):
    settings = gn.train.FitSettings(max_epochs=1, device="cpu")
    gn.train.fit(small(), planted(40), settings=settings, folder=tmp_path)
    with pytest.raises(ValueError, match=r"state of another run.*seed: 0 there, 1 now"):
        gn.train.fit(small(), planted(40), settings=settings, folder=tmp_path, seed=1)


def test_a_damaged_state_is_told(tmp_path):
    settings = gn.train.FitSettings(max_epochs=1, device="cpu")
    gn.train.fit(small(), planted(40), settings=settings, folder=tmp_path)
    state = tmp_path / "last.ckpt"
    state.write_bytes(state.read_bytes()[:500])
    with pytest.raises(ValueError, match=r"is damaged.*Delete it"):
        gn.train.fit(small(), planted(40), settings=settings, folder=tmp_path)
    assert json.loads((tmp_path / "run.json").read_text())["seed"] == 0


class Stopping(gn.train.SequenceData):
    """Data during whose reading somebody presses Ctrl-C."""

    def __getitems__(self, indices):
        raise KeyboardInterrupt


def test_ctrl_c_interrupts_and_goes_on_doing_so():
    handler, data = signal.getsignal(signal.SIGINT), planted(40)
    with pytest.raises(KeyboardInterrupt):
        gn.train.fit(small(), Stopping(data.codes, data.labels), settings=QUICK)
    assert signal.getsignal(signal.SIGINT) is handler


TERMINATED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
import grnet as gn
from test_fitting import QUICK, planted, small

class Ending(gn.train.SequenceData):
    def __getitems__(self, indices):
        os.kill(os.getpid(), signal.SIGTERM)
        return super().__getitems__(indices)

data = planted(200)
gn.train.fit(small(), Ending(data.codes, data.labels), settings=QUICK)
"""


def test_a_terminated_run_does_not_look_like_a_success():
    code = TERMINATED.format(tests=str(Path(__file__).parent))
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert done.returncode == 128 + signal.SIGTERM


def test_diverging_training_is_told():
    wild = gn.train.SequenceData(planted(40).codes, np.full(40, 1e30))
    with pytest.raises(ValueError, match=r"training diverged. Lower settings.learning_rate"):
        gn.train.fit(small(head="regression"), wild, settings=QUICK)


def test_unknown_labels_teach_nothing():
    data = planted(200)
    labels = np.column_stack([data.labels[:, 0], np.where(np.arange(200) < 100, 1.0, np.nan)])
    model = small(n_outputs=2)
    done = gn.train.fit(model, gn.train.SequenceData(data.codes, labels), settings=QUICK)
    assert np.isfinite(done.history["train_loss"]).all()


@pytest.mark.parametrize(
    ("head", "shape"),
    [
        ("regression", (80, 2)),
        ("multiclass", (80,)),
        ("per_base", (80, 2, 60)),
        ("profile", (80, 2, 60)),
    ],
)
def test_every_head_trains(head, shape):
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (80, 60)).astype(np.uint8)
    labels = rng.integers(0, 2, shape).astype(np.float32)
    n_filters = 8
    config = gn.models.DilatedCNNConfig(n_outputs=2, head=head, n_filters=n_filters, n_layers=2)
    torch.manual_seed(0)
    data = gn.train.SequenceData(codes, labels, names=["task"] if head == "multiclass" else ())
    settings = gn.train.FitSettings(max_epochs=15, learning_rate=1e-2, device="cpu")
    done = gn.train.fit(gn.models.DilatedCNN(config), data, validation=data, settings=settings)
    assert done.history["train_loss"].iloc[-1] < done.history["train_loss"].iloc[0]


def test_a_sampler_decides_what_is_seen():
    data = planted(200)
    only = np.flatnonzero(data.labels[:, 0] == 1)

    class Positives(torch.utils.data.Sampler):
        def __len__(self):
            return len(only)

        def __iter__(self):
            return iter(only.tolist())

    done = gn.train.fit(small(), data, settings=LONGER, sampler=Positives())
    assert gn.models.predict(done.model, data.codes).min() > 0.8
