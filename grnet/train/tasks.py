"""One call from peaks and a genome to a model, judged on chromosomes that were held out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from anndata import AnnData
from sklearn.metrics import roc_auc_score

from grnet import _checks, _intervals
from grnet._alphabet import UNKNOWN, Codes
from grnet.io.genome import Genome
from grnet.models.prediction import predict
from grnet.models.sequence import SequenceCNN, SequenceCNNConfig
from grnet.train.audit import audit_split, related_rows
from grnet.train.classification import Method, classify
from grnet.train.data import SequenceData
from grnet.train.fitting import Fit, FitSettings, fit
from grnet.train.metrics import calibration_error, task_scores
from grnet.train.split import Split, split_by_chromosome
from grnet.train.windows import binding_windows

RELATED = 0.5
"""Share of words in common from which a held-out window is a relative of a training window."""

USUAL = FitSettings(max_epochs=12, learning_rate=3e-3)
N_FACTORS = 32
"""Width of the last layer but one of a model of cells: the length of a cell's vector."""


@dataclass(frozen=True, eq=False, kw_only=True)
class SequenceFit:
    """A model of sequences, its data, and its scores on what was held out.

    Parameters
    ----------
    fit
        The training; ``fit.model`` is the model.
    data
        All sequences.
    split
        Their parts.
    scores
        One row per task, on the test sequences.
    audit
        What the parts share.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> import pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> codes = rng.integers(0, 4, (30, 40)).astype(np.uint8)
    >>> data = gn.train.SequenceData(codes, np.arange(30) % 2, names=["CTCF"])
    >>> done = gn.train.fit(gn.models.MotifCNN(), data, settings=gn.train.FitSettings(max_epochs=1))
    >>> split = gn.train.Split(np.arange(10), np.arange(10, 20), np.arange(20, 30))
    >>> result = gn.train.SequenceFit(
    ...     fit=done, data=data, split=split, scores=pd.DataFrame(), audit=pd.DataFrame()
    ... )
    >>> result.test
    SequenceData(10 sequences of 40 bases, 1 task: 'CTCF')
    """

    fit: Fit
    data: SequenceData
    split: Split
    scores: pd.DataFrame
    audit: pd.DataFrame

    @property
    def test(self) -> SequenceData:
        """The sequences that were held out for the test."""
        return self.data.take(self.split.test)

    @property
    def task_vectors(self) -> pd.DataFrame:
        """One vector per task, the weights of the last layer: near tasks read the same words."""
        head: Any = self.fit.model.head
        return pd.DataFrame(head[-1].weight.detach().numpy(), index=list(self.data.names))

    def __repr__(self) -> str:
        """Return the fit, and the median score."""
        figure = "auroc" if "auroc" in self.scores else "pearson"
        median = self.scores[figure].median()
        return f"SequenceFit({self.fit!r}; test: median {figure} {median:.3f})"


def binding(
    genome: Genome,
    peaks: pd.DataFrame | SequenceData,
    *,
    validation: Sequence[str],
    test: Sequence[str],
    tfs: Sequence[str] | None = None,
    method: Method = "motif_cnn",
    settings: FitSettings | None = None,
    seed: int = 0,
) -> SequenceFit:
    """Train a model of the binding of one or many TFs on peaks of ChIP-seq or ChIP-exo.

    Parameters
    ----------
    genome
        The sequences.
    peaks
        As for :func:`binding_windows`, or the windows that it made, with settings of your own.
    validation, test
        Chromosomes that choose the best epoch, and that are held out for the scores.
    tfs
        Which TFs to model; by default all with 50 peaks.
    method, settings
        As for :func:`classify`.
    seed
        Of negatives, weights and order.

    Returns
    -------
    SequenceFit
        ``scores`` has, per TF on the test chromosomes: ``n, prevalence, auroc, auprc`` of its
        windows against their own partners of equal GC; ``gc_auroc``, what the share of GC alone
        reaches there; ``auroc_bound``, against windows that other TFs bind; ``calibration_error``
        of the probabilities of all windows.

    Raises
    ------
    ValueError
        As :func:`binding_windows` and :func:`split_by_chromosome` do.

    Notes
    -----
    Windows of other chromosomes that share half of their 12-letter words with a training window
    (transposons, gene families) are left out of validation and test.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> import pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> letters = {f"chr{i}": "".join(rng.choice(list("ACGT"), 20_000)) for i in (1, 2, 3)}
    >>> genome = gn.io.Genome.from_sequences(letters)
    >>> at = np.arange(500, 19_500, 500)
    >>> peaks = pd.concat([pd.DataFrame({"chrom": c, "start": at, "end": at + 1}) for c in letters])
    >>> quick = gn.train.FitSettings(max_epochs=1)
    >>> done = gn.train.binding(
    ...     genome, peaks.assign(tf="CTCF"), validation=["chr2"], test=["chr3"], settings=quick
    ... )
    >>> done.scores.loc["CTCF", "gc_auroc"] < 0.6  # GC alone tells nothing
    np.True_
    """
    if isinstance(peaks, SequenceData):
        data = peaks
    else:
        data = binding_windows(genome, peaks, tfs=tfs, seed=seed)
    chromosomes = split_by_chromosome(_where(data), validation=validation, test=test)
    split = without_relatives(data, chromosomes)
    audit = audit_split(data, split)
    done = classify(
        data.take(split.train),
        validation=data.take(split.validation),
        method=method,
        settings=settings or USUAL,
        seed=seed,
    )
    scores = _scores(data, split, predict(done.model, data.codes[split.test]))
    return SequenceFit(fit=done, data=data, split=split, scores=scores, audit=audit)


def without_relatives(data: SequenceData, split: Split) -> Split:
    """Leave relatives of training sequences out of validation and test."""
    train = data.codes[split.train]
    held = [
        rows[~related_rows(train, data.codes[rows], min_shared=RELATED)]
        for rows in (split.validation, split.test)
    ]
    return Split(split.train, *held)


def _where(data: SequenceData) -> pd.DataFrame:
    if data.intervals is None:
        message = "The windows have no intervals: make them with gn.train.binding_windows."
        raise ValueError(message)
    return data.intervals


def _scores(data: SequenceData, split: Split, guess: np.ndarray) -> pd.DataFrame:
    """Score each TF on its windows against their own partners, and against others' windows."""
    test = split.test
    labels, partner_of = data.labels[test], _where(data)["positive"].to_numpy()[test]
    gc = _gc(data.codes[test])
    rows = {}
    for task, name in enumerate(data.names):
        bound = labels[:, task] > 0
        own = bound | np.isin(partner_of, test[bound])
        row: dict[str, float] = dict(task_scores(labels[own, task], guess[own, task]).iloc[0])
        row = {key: row[key] for key in ("n", "prevalence", "auroc", "auprc")}
        row |= {"gc_auroc": np.nan, "auroc_bound": np.nan}
        if 0 < bound[own].sum() < own.sum():
            auroc = float(roc_auc_score(bound[own], gc[own]))
            row["gc_auroc"] = max(auroc, 1 - auroc)
        among = partner_of < 0
        if 0 < bound.sum() < among.sum():
            row["auroc_bound"] = float(roc_auc_score(bound[among], guess[among, task]))
        row["calibration_error"] = calibration_error(labels[:, task], guess[:, task])
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("tf").astype({"n": int})


def _gc(codes: Codes) -> np.ndarray:
    known = (codes < UNKNOWN).sum(axis=1)
    return np.asarray(((codes == 1) | (codes == 2)).sum(axis=1) / np.maximum(known, 1))


def accessibility(
    genome: Genome,
    adata: AnnData,
    *,
    validation: Sequence[str],
    test: Sequence[str],
    groupby: str | None = None,
    width: int = 512,
    settings: FitSettings | None = None,
    seed: int = 0,
) -> SequenceFit:
    """Learn from sequence how open peaks are, in each cell or in each group of cells.

    Parameters
    ----------
    genome
        The sequences.
    adata
        Cells x peaks; the peaks by name (``chr1:100-200``) or by columns of ``var``.
    validation, test
        Chromosomes that choose the best epoch, and that are held out for the scores.
    groupby
        Column of ``obs``. With it the levels of the groups are learnt: log of one plus fragments
        per peak in 10,000 of the group. Without it every cell is a task, open or not.
    width
        Bases around the middle of each peak.
    settings
        Of the training.
    seed
        Of weights and order.

    Returns
    -------
    SequenceFit
        ``scores`` over the test peaks: ``auroc`` and ``auprc`` beside ``prevalence`` per cell, or
        ``pearson`` and ``spearman`` per group. ``task_vectors`` places the cells by what they read
        in the sequence.

    Raises
    ------
    ValueError
        If chromosomes or the column are unknown.

    Notes
    -----
    The class of scBasset (Yuan and Kelley 2022): a convolutional network with a narrow last layer,
    whose weights are one vector per cell. Cells x peaks stay sparse; a batch is made dense.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> import pandas as pd
    >>> from anndata import AnnData
    >>> rng = np.random.default_rng(0)
    >>> letters = {f"chr{i}": "".join(rng.choice(list("ACGT"), 20_000)) for i in (1, 2, 3)}
    >>> genome = gn.io.Genome.from_sequences(letters)
    >>> names = [f"{c}:{at}-{at + 200}" for c in letters for at in range(500, 19_500, 1000)]
    >>> cells = AnnData(
    ...     rng.binomial(1, 0.3, (4, len(names))).astype(np.float32),
    ...     obs=pd.DataFrame({"type": list("aabb")}, index=list("1234")),
    ...     var=pd.DataFrame(index=names),
    ... )
    >>> where = {"validation": ["chr2"], "test": ["chr3"]}
    >>> quick = gn.train.FitSettings(max_epochs=1)
    >>> done = gn.train.accessibility(genome, cells, groupby="type", settings=quick, **where)
    >>> done.task_vectors.shape  # one vector for each group
    (2, 32)
    """
    placed = genome.harmonise(_intervals.of_variables(adata.var, what="peaks"), what="peaks")
    column = adata.var_names.get_indexer(placed.index)
    counts = sp.csr_array(sp.csr_array(adata.X)[:, column].T)
    intervals = placed.reset_index(drop=True)[list(_intervals.COLUMNS)]
    labels, names, head = _openness(counts, adata, groupby)
    codes = genome.sequence(intervals, width=width)
    data = SequenceData(codes, labels, names, intervals=intervals)
    chromosomes = split_by_chromosome(intervals, validation=validation, test=test)
    split = without_relatives(data, chromosomes)
    audit = audit_split(data, split)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = SequenceCNN(
            SequenceCNNConfig(n_outputs=len(names), head=head, n_hidden=N_FACTORS, dropout=0.0)
        )
    parts = data.take(split.train), data.take(split.validation)
    done = fit(model, parts[0], validation=parts[1], settings=settings or USUAL, seed=seed)
    test_part = data.take(split.test)
    guess = predict(done.model, test_part.codes)
    scores = task_scores(test_part.dense_labels(), guess, head=head, names=names)
    return SequenceFit(fit=done, data=data, split=split, scores=scores, audit=audit)


def _openness(
    counts: sp.csr_array, adata: AnnData, groupby: str | None
) -> tuple[sp.csr_array | np.ndarray, list[str], Literal["binary", "regression"]]:
    """Return peaks x tasks: open or not in each cell, or the level in each group."""
    if groupby is None:
        return (counts > 0).astype(np.float32), adata.obs_names.astype(str).tolist(), "binary"
    if groupby not in adata.obs:
        message = f"obs has no column {groupby!r}. " + _checks.nearest(groupby, adata.obs)
        raise ValueError(message)
    groups = pd.Categorical(adata.obs[groupby].astype(str))
    member = sp.csr_array(pd.get_dummies(groups).to_numpy(dtype=np.float32))
    sums = np.asarray((counts @ member).todense())
    return (
        np.log1p(1e4 * sums / np.maximum(sums.sum(axis=0), 1)),
        list(groups.categories),
        "regression",
    )
