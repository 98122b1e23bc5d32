"""A training of edges that is killed goes on as if nothing had happened."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import grnet as gn
from grnet.train.edge_training import fit_edges

RUN = """
import os
import signal
import sys
import threading
import time

sys.path.insert(0, {tests!r})
import numpy as np
import grnet as gn
from test_edge_training import split_of, toy

folder, neighbours = {folder!r}, {neighbours!r}
data, known = toy()
split = split_of(data, known, regime="target", seed=1)
settings = gn.train.FitSettings(max_epochs=8, batch_size=300, learning_rate=1e-2, device="cpu")

def trained(**how):
    return gn.train.fit_edges(data, split, settings=settings, neighbours=neighbours, seed=4, **how)

def kill_when_an_epoch_is_kept():
    while not os.path.exists(os.path.join(folder, "last.ckpt")):
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGKILL)

if not os.path.exists(folder):
    threading.Thread(target=kill_when_an_epoch_is_kept, daemon=True).start()
    trained(folder=folder)
    sys.exit("it ended before it was killed")
resumed, whole = trained(folder=folder), trained()
ours, theirs = resumed.fit.model.state_dict(), whole.fit.model.state_dict()
for key in ours:
    np.testing.assert_allclose(ours[key], theirs[key], atol=1e-3, err_msg=key)
assert resumed.fit.best_epoch == whole.fit.best_epoch
np.testing.assert_allclose(resumed.fit.history, whole.fit.history, atol=1e-3)
np.testing.assert_allclose(resumed.scores(split.test), whole.scores(split.test), atol=1e-3)
"""


@pytest.mark.parametrize("neighbours", ["all", 2])
def test_a_killed_run_ends_like_one_that_was_not(tmp_path, neighbours):
    tests, folder = str(Path(__file__).parent), str(tmp_path / "run")
    code = RUN.format(tests=tests, folder=folder, neighbours=neighbours)
    command = [sys.executable, "-c", code]
    died = subprocess.run(command, check=False, capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert (tmp_path / "run" / "last.ckpt").is_file()
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_folder_of_a_run_with_other_neighbours_is_refused(tmp_path):
    adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    known = adata.uns["grnet_truth"]
    data = gn.graph.build(adata, known=known, n_components=4)
    split = gn.train.split_edges(known, tfs=data["tf"].name, genes=data["gene"].name)
    settings = gn.train.FitSettings(max_epochs=1, device="cpu")
    fit_edges(data, split, settings=settings, neighbours=2, folder=tmp_path)
    with pytest.raises(ValueError, match="neighbours: 2 there, 3 now"):
        fit_edges(data, split, settings=settings, neighbours=3, folder=tmp_path)
