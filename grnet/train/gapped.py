"""Training of gapped k-mer models: a linear support vector machine, by dual coordinate descent."""

import numba
import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression

from grnet._progress import progress
from grnet.models.gapped import GappedKmers, GappedKmersConfig, lengths, words
from grnet.train.data import SequenceData

Words = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


def fit_gapped_kmers(
    data: SequenceData,
    *,
    config: GappedKmersConfig | None = None,
    penalty: float = 1.0,
    max_epochs: int = 30,
    seed: int = 0,
) -> GappedKmers:
    """Train a linear support vector machine on gapped k-mers.

    Parameters
    ----------
    data
        Sequences with binary labels.
    config
        Words and letters; the number of outputs follows from the data.
    penalty
        Cost of a margin that is not kept (C): larger fits closer.
    max_epochs
        Passes over the data; it stops earlier where nothing changes.
    seed
        Of the order of the sequences.

    Returns
    -------
    GappedKmers
        In evaluation mode. Its logits are calibrated (Platt) on the margins of a fold that did not
        train, a fifth of the sequences.

    Raises
    ------
    ValueError
        If a task has one label only.

    Notes
    -----
    The dual coordinate descent of Hsieh et al. (2008), with features made of the sequences as they
    are needed: 10,000 sequences of 200 bases take 1 GB as numbers of words, and no matrix of
    counts.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> codes = np.random.default_rng(0).integers(0, 4, (80, 30)).astype(np.uint8)
    >>> codes[::2, 4:10] = gn.dna.to_codes("TGACTC")
    >>> data = gn.train.SequenceData(codes, np.arange(80) % 2 == 0)
    >>> small = gn.models.GappedKmersConfig(word=6, letters=4)
    >>> model = gn.train.fit_gapped_kmers(data, config=small)
    >>> bool(gn.models.predict(model, codes)[0] > 0.5)
    True
    """
    chosen = config or GappedKmersConfig()
    n_tasks = data.labels.shape[1]
    settings = GappedKmersConfig(n_outputs=n_tasks, word=chosen.word, letters=chosen.letters)
    model = GappedKmers(settings)
    parts = np.array_split(data.codes, len(data) // 512 + 1)
    ids = np.concatenate([words(part, settings) for part in parts])
    norms = np.concatenate([lengths(part) for part in np.array_split(ids, len(parts))])
    rng = np.random.default_rng(seed)
    for task in progress(range(n_tasks), "gapped k-mers", total=n_tasks):
        labels = data.labels[:, task]
        known = np.flatnonzero(np.isfinite(labels))
        if len(np.unique(labels[known])) != 2:
            message = (
                f"Task {data.names[task]!r} has the labels {np.unique(labels[known]).tolist()}: "
                "expected 0 and 1, both of them."
            )
            raise ValueError(message)
        order = rng.permutation(known)
        weight, line = _trained(
            ids, norms, labels, order=order, size=settings.n_features, how=(penalty, max_epochs)
        )
        with torch.no_grad():
            model.weight[:, task] = torch.from_numpy(weight)
            model.slope[task], model.offset[task] = line
    return model.eval()


def _trained(
    ids: Words,
    norms: Floats,
    labels: Floats,
    *,
    order: Rows,
    size: int,
    how: tuple[float, int],
) -> tuple[Floats, tuple[float, float]]:
    """Return the weights of a task, and the line from margins to logits."""
    signs = np.where(labels > 0.5, 1.0, -1.0).astype(np.float32)
    fold = len(order) // 5
    kept = _descended(ids, norms, signs, order=order[fold:], size=size, how=how)
    margins = _margins(ids, norms, rows=order[:fold], weight=kept)
    truth = signs[order[:fold]] > 0
    if len(np.unique(truth)) < 2:
        line = (1.0, 0.0)
    else:
        platt = LogisticRegression(C=1e3).fit(margins[:, None], truth)
        line = (float(platt.coef_[0, 0]), float(platt.intercept_[0]))
    return _descended(ids, norms, signs, order=order, size=size, how=how), line


@numba.njit(cache=True)
def _descended(
    ids: Words, norms: Floats, signs: Floats, *, order: Rows, size: int, how: tuple[float, int]
) -> Floats:
    """Return the weights that solve the dual problem with the hinge loss."""
    penalty, max_epochs = how
    weight = np.zeros(size, dtype=np.float32)
    alpha = np.zeros(len(signs), dtype=np.float32)
    turn = order.copy()
    state = np.uint64(88172645463325252)
    for _ in range(max_epochs):
        for i in range(len(turn) - 1, 0, -1):
            state ^= state << np.uint64(13)
            state ^= state >> np.uint64(7)
            state ^= state << np.uint64(17)
            j = np.int64(state % np.uint64(i + 1))
            turn[i], turn[j] = turn[j], turn[i]
        largest = 0.0
        for i in turn:
            total = np.float32(0.0)
            for word in ids[i]:
                if word >= 0:
                    total += weight[word]
            gradient = signs[i] * total / norms[i] - 1.0
            changed = min(max(alpha[i] - gradient, 0.0), penalty)
            step = (changed - alpha[i]) * signs[i] / norms[i]
            if step != 0.0:
                largest = max(largest, abs(changed - alpha[i]))
                alpha[i] = changed
                for word in ids[i]:
                    if word >= 0:
                        weight[word] += step
        if largest < 1e-2 * penalty:
            break
    return weight


@numba.njit(cache=True)
def _margins(ids: Words, norms: Floats, *, rows: Rows, weight: Floats) -> Floats:
    out = np.zeros(len(rows), dtype=np.float32)
    for at in range(len(rows)):
        total = np.float32(0.0)
        for word in ids[rows[at]]:
            if word >= 0:
                total += weight[word]
        out[at] = total / norms[rows[at]]
    return out
