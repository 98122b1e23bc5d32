"""Chromatin states: train on one cell type, fill in hidden marks of the other.

``python -m benchmarks.chromatin`` fits the transformer and the hidden Markov model on GM12878 and
on K562 (chr11), hides marks of the other cell type, and prints how well each method fills them in,
with three seeds. Fitted models are kept in ``benchmarks/results/chromatin`` and used again.
"""

import time
from collections.abc import Callable, Iterator
from typing import Annotated, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import typer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

import grnet as gn
from benchmarks._runs import RESULTS
from benchmarks._tables import machine, markdown
from benchmarks.datasets import data_folder

CELLS = ("GM12878", "K562")
CONTROL = "WCE"
"""An input, and a mark to the models; nobody needs it imputed, so it is not scored."""

STEP = 16
"""One mark is hidden in every 16 bins: nearly all of its surroundings are seen."""

SETTINGS = ("single entries", "a whole mark over 4 Mb")
NEIGHBOURS = 5

Codes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Guess = Callable[[Codes], npt.NDArray[np.floating]]


class Held(NamedTuple):
    """A cell type with some entries hidden, several times over."""

    truth: Codes
    masks: list[Mask]


def hidden(truth: Codes, setting: str, *, n_masks: int, scored: list[int]) -> Held:
    """Choose entries to hide, the same for all methods and seeds."""
    rng = np.random.default_rng(2024)
    n_bins, n_marks = truth.shape
    masks = []
    for number in range(n_masks):
        mask = np.zeros((n_bins, n_marks), dtype=bool)
        if setting == SETTINGS[0]:
            rows = np.arange(0, n_bins - STEP, STEP)
            rows = rows + rng.integers(0, STEP, len(rows))
            mask[rows, rng.choice(scored, len(rows))] = True
        else:
            stretch = np.minimum(np.arange(n_bins) * len(scored) // n_bins, len(scored) - 1)
            mask[np.arange(n_bins), np.roll(scored, 2 * number)[stretch]] = True
        masks.append(mask)
    return Held(truth, masks)


def answers(held: Held, guess: Guess) -> npt.NDArray[np.float64]:
    """Return the probabilities of the hidden entries, mask after mask."""
    found = [guess(np.where(mask, 2, held.truth).astype(np.uint8))[mask] for mask in held.masks]
    return np.concatenate(found).astype(np.float64)


def scores(held: Held, found: npt.NDArray[np.float64]) -> pd.DataFrame:
    """Score each mark: AUROC, AUPRC, log likelihood per entry."""
    truth = np.concatenate([held.truth[mask] for mask in held.masks])
    marks = np.concatenate([np.nonzero(mask)[1] for mask in held.masks])
    rows = {}
    for mark in np.unique(marks):
        y, p = truth[marks == mark], np.clip(found[marks == mark], 1e-6, 1 - 1e-6)
        rows[int(mark)] = {
            "AUROC": roc_auc_score(y, p),
            "AUPRC": average_precision_score(y, p),
            "log likelihood": float(np.where(y == 1, np.log(p), np.log1p(-p)).mean()),
            "prevalence": float(y.mean()),
            "entries": len(y),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def marginals(train: Codes) -> Guess:
    """Guess how often a mark is there in the training cell."""
    share = (train == 1).mean(axis=0)
    return lambda codes: np.broadcast_to(share, codes.shape)


def same_position(train: Codes, test: Codes) -> Guess:
    """Guess the mark of the training cell in the same bin.

    The two probabilities, where it was there and where it was not, are taken from the test cell
    itself: better than anyone could know them.
    """
    share = np.stack([np.array([test[train[:, j] == c, j].mean() for c in (0, 1)])
                      for j in range(train.shape[1])])  # fmt: skip
    values = share[np.arange(train.shape[1]), train]
    return lambda _: values


def neighbours(codes: Codes) -> npt.NDArray[np.float32]:
    """Return all marks of each bin and of five on both sides; hidden ones count as absent."""
    on = np.pad((codes == 1).astype(np.float32), ((NEIGHBOURS, NEIGHBOURS), (0, 0)))
    shifts = range(2 * NEIGHBOURS + 1)
    return np.concatenate([on[shift : shift + len(codes)] for shift in shifts], axis=1)


def logistic(train: Codes) -> Guess:
    """Fit one logistic regression per mark, on all other marks and on the neighbouring bins."""
    n_marks = train.shape[1]
    models = []
    for mark in range(n_marks):
        features = neighbours(train)
        features[:, NEIGHBOURS * n_marks + mark] = 0
        models.append(LogisticRegression(max_iter=60).fit(features, train[:, mark]))

    def guess(codes: Codes) -> npt.NDArray[np.float64]:
        features = neighbours(codes)
        out = np.zeros(codes.shape)
        for mark, model in enumerate(models):
            rows = codes[:, mark] == 2
            if rows.any():
                out[rows, mark] = model.predict_proba(features[rows])[:, 1]
        return out

    return guess


def fitted(method: str, cell: str, *, seed: int, n_states: int) -> tuple[object, float]:
    """Return a model and the seconds that its fit took, from the file of an earlier run or anew."""
    name = f"{method}_{cell}_{seed}" + ("" if n_states == 15 else f"_{n_states}")
    path = RESULTS / "chromatin" / f"{name}.safetensors"
    if not path.exists():
        found = gn.train.chromatin_states(read(cell), method=method, n_states=n_states, seed=seed)
        facts = {**found.model.facts, "seconds": found.seconds}
        gn.models.save(found.model, path, facts=facts)
    model = gn.models.load(path)
    return model, model.facts["seconds"]


def read(cell: str) -> object:
    """Return the marks of a cell type."""
    return gn.io.read_binarised_marks(data_folder() / "chromatin" / f"{cell}_chr11_binary.txt.gz")


def methods(cell: str, test: Codes, seeds: list[int]) -> Iterator[tuple[str, int, float, Guess]]:
    """Yield name, seed, seconds and guess of each method that learnt on a cell type."""
    train = read(cell).X
    yield "marginals", 0, 0.0, marginals(train)
    yield "same position of the training cell", 0, 0.0, same_position(train, test)
    begin = time.perf_counter()
    guess = logistic(train)
    yield "logistic regression, 11 bins", 0, time.perf_counter() - begin, guess
    for seed in seeds:
        model, seconds = fitted("hmm", cell, seed=seed, n_states=15)
        yield "HMM, 15 states", seed, seconds, model.impute
    for seed in seeds:
        model, seconds = fitted("transformer", cell, seed=seed, n_states=15)
        yield "transformer, by its states", seed, seconds, _by_states(model)
        yield "transformer, direct", seed, seconds, model.impute


def _by_states(model: object) -> Guess:
    return lambda codes: model.impute(codes, by="states")


def measured(seeds: list[int], settings: list[str], n_masks: int) -> pd.DataFrame:
    """Return one row per training cell, setting, method, seed and mark."""
    rows = []
    for cell, other in (CELLS, CELLS[::-1]):
        marks = read(other)
        scored = [i for i, name in enumerate(marks.var_names) if name != CONTROL]
        held = {s: hidden(marks.X, s, n_masks=n_masks, scored=scored) for s in settings}
        for name, seed, seconds, guess in methods(cell, marks.X, seeds):
            for setting in settings:
                table = scores(held[setting], answers(held[setting], guess))
                facts = {"train": cell, "test": other, "setting": setting, "method": name}
                table = table.assign(**facts, seed=seed, seconds=seconds)
                table["mark"] = marks.var_names[table.index]
                rows.append(table)
            print(f"<!-- {cell}: {name}, seed {seed} -->", flush=True)
    return pd.concat(rows, ignore_index=True)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return the mean over marks, then mean and standard deviation over seeds."""
    keys = ["test", "method"]
    figures = ["AUROC", "AUPRC", "log likelihood"]
    per_seed = table.groupby([*keys, "seed"], sort=False)[figures].mean()
    # a bin has nine marks: their sum is the pseudo-log-likelihood of a bin
    per_seed["log likelihood"] *= table["mark"].nunique()
    mean, spread = (per_seed.groupby(keys, sort=False).agg(how) for how in ("mean", "std"))
    out = mean.map("{:.3f}".format) + spread.map(lambda s: "" if np.isnan(s) else f" ± {s:.3f}")
    return out.rename(columns={"log likelihood": "log likelihood per bin"})


def enrichment(seed: int) -> pd.DataFrame:
    """Return how much more often than by chance each state lies on start sites and islands."""
    folder = data_folder() / "chromatin" / "coords_hg18"
    places = {
        "TSS": gn.io.read_peaks(folder / "RefSeqTSS.hg18.bed.gz"),
        "CpG island": gn.io.read_peaks(folder / "CpGIsland.hg18.bed.gz"),
    }
    marks, rows = read("K562"), {}
    for method in ("transformer", "hmm"):
        model, _ = fitted(method, "GM12878", seed=seed, n_states=15)
        states = gn.train.assign_states(model, marks)
        table = pd.DataFrame({"share %": 100 * states["name"].value_counts(normalize=True)})
        for name, place in places.items():
            on = _touched(states, place)
            inside = states.loc[on, "name"].value_counts(normalize=True)
            table[f"{name}, fold"] = inside / states["name"].value_counts(normalize=True)
        rows[method] = table.reindex(states["name"].cat.categories)
    return pd.concat(rows, names=["model", "state"])


def _touched(states: pd.DataFrame, places: pd.DataFrame) -> Mask:
    """Tell which bins of chr11 a place meets."""
    size = int(states["end"].iloc[0] - states["start"].iloc[0])
    here = places.loc[places["chrom"].astype(str) == "chr11"]
    on = np.zeros(len(states), dtype=bool)
    for start, end in zip(here["start"], here["end"], strict=True):
        on[start // size : (max(end - 1, start)) // size + 1] = True
    return on


def main(
    seeds: Annotated[int, typer.Option(help="Runs of each learnt model.")] = 3,
    n_masks: Annotated[int, typer.Option(help="Times that marks are hidden.")] = 4,
) -> None:
    """Print the comparison."""
    print(f"{machine()}\n")
    table = measured(list(range(seeds)), list(SETTINGS), n_masks)
    RESULTS.mkdir(exist_ok=True)
    table.to_csv(RESULTS / "chromatin.csv", index=False)
    for setting in SETTINGS:
        chosen = table.loc[table["setting"] == setting]
        n = chosen.groupby(["test", "method", "seed"])["entries"].sum().iloc[0]
        print(f"\n### Hidden: {setting} ({n:,} entries)\n\n{markdown(summary(chosen))}")
    single = table.loc[table["setting"] == SETTINGS[0]]
    by_mark = single.pivot_table("AUPRC", ["test", "mark"], "method", sort=False)
    print(f"\n### AUPRC by mark, single entries\n\n{markdown(by_mark, digits=3)}")
    times = single.groupby("method", sort=False)["seconds"].agg(["mean", "min", "max"])
    print(f"\n### Seconds of training\n\n{markdown(times, digits=0)}")
    print(f"\n### States, learnt on GM12878, on K562\n\n{markdown(enrichment(0))}")


if __name__ == "__main__":
    typer.run(main)
