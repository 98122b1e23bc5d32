"""Levels of methylation at single CpGs, learnt from the CpGs around them and the sequence."""

import logging
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from anndata import AnnData
from scipy.special import expit
from scipy.stats import beta

from grnet import _checks
from grnet.io.genome import Genome
from grnet.models.methylation import MethylationModel, MethylationModelConfig
from grnet.train import _methylation_baselines as baselines
from grnet.train._methylation_batches import CpGs, ReadsObjective, answers
from grnet.train._methylation_scores import methylation_scores
from grnet.train._methylation_sites import (
    Floats,
    Ints,
    Mask,
    Sites,
    drawn,
    inside,
    sites_of,
    windows,
)
from grnet.train.fitting import FitSettings, fit

logger = logging.getLogger(__name__)

_VALIDATION = 0.05
_INTERVAL = (0.05, 0.95)
_LEAST_SITES = 50

_BATCH, _EPOCHS, _STEPS = 256, (3, 30), 1500


@dataclass(frozen=True, eq=False, kw_only=True)
class MethylationFit:
    """What training on methylation gave.

    Parameters
    ----------
    model
        The trained model, in evaluation mode.
    predictions
        One row per CpG, in order: ``chrom, start, end, methylated, coverage``; ``level``, the share
        of methylated reads; ``predicted``, which never knows of the CpG's own reads; ``low`` and
        ``high``, between which nine of ten levels are expected, to which the scatter of the reads
        comes; ``strength``, how many reads this expectation is worth; ``role``: ``training``,
        ``validation``, ``held_out``, or ``uncovered`` for those without reads.
    metrics
        Figures of the CpGs held out, as :func:`methylation_scores` gives them, of the model and of
        means of neighbours.
    history
        One row per epoch.
    seconds
        How long all of it took.
    params
        Arguments and settings.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.train.MethylationFit.__name__
    'MethylationFit'
    """

    model: MethylationModel
    predictions: pd.DataFrame
    metrics: pd.DataFrame
    history: pd.DataFrame
    seconds: float
    params: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Return how many CpGs there are and how well those held out are predicted."""
        n = self.predictions["role"].value_counts()
        pearson = self.metrics["pearson"].dropna()
        figures = ", ".join(f"{name} {value:.3f}" for name, value in pearson.items())
        return (
            f"MethylationFit({len(self.predictions):,} CpGs, {n.get('held_out', 0):,} held out, "
            f"{n.get('uncovered', 0):,} uncovered; Pearson: {figures})"
        )


def methylation_levels(
    sites: AnnData | pd.DataFrame,
    *,
    genome: Genome | None = None,
    sample: str | None = None,
    held_out: float | pd.DataFrame = 0.1,
    block: int = 0,
    config: MethylationModelConfig | None = None,
    settings: FitSettings | None = None,
    seed: int = 0,
) -> MethylationFit:
    """Learn the level of methylation of CpGs, and predict those held out and those without reads.

    Parameters
    ----------
    sites
        CpGs x samples of :func:`grnet.io.read_methylation`, or a frame with ``chrom, start,
        methylated, coverage``. It is left as it is.
    genome
        Look at the sequence too.
    sample
        Whose reads; by default those of all samples together.
    held_out
        Share of the CpGs with reads that training and prediction never see, drawn at random; or
        intervals ``chrom, start, end`` whose CpGs are held out.
    block
        Above 0: hold out whole blocks of so many bases, a harder task. Training then sees such gaps
        too.
    config
        Of the model; by default 24 neighbours on either side and, with a genome, 200 bases.
    settings
        Of the training; by default 1,500 steps or three epochs, whichever is more.
    seed
        Of all chance.

    Returns
    -------
    MethylationFit

    Raises
    ------
    ValueError
        If counts are missing or impossible, the genome is another assembly, or config and genome
        do not go together.

    Notes
    -----
    Cytosines one base apart are the two strands of one CpG: they are held out together and never
    predict each other. The kernel mean of ``metrics`` has the width that suits the training CpGs
    best, with gaps of ``block`` bases where there are such.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> import pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> level = np.repeat(rng.random(50), 20)
    >>> sites = pd.DataFrame({"chrom": "chr1", "start": np.arange(1000) * 30, "coverage": 10})
    >>> sites["methylated"] = rng.binomial(10, level)
    >>> settings = gn.train.FitSettings(max_epochs=2)
    >>> config = gn.models.MethylationModelConfig(n_neighbours=3, width=8, n_layers=1)
    >>> fit = gn.train.methylation_levels(sites, config=config, settings=settings)
    >>> fit.metrics.index.tolist()
    ['model', 'neighbour mean', 'kernel mean', 'overall level']
    """
    begin = time.perf_counter()
    known = sites_of(sites, sample=sample)
    chosen = _config(config, genome)
    hidden = _hidden(known, held_out, block=block, rng=np.random.default_rng([seed, 1]))
    rows = _roles(known, hidden, block=block, rng=np.random.default_rng([seed, 2]))
    where = None if genome is None else (genome, windows(known, genome))
    seen = np.flatnonzero(known.covered & ~hidden)

    def batches(targets: Ints, gap: int = 0) -> CpGs:
        return CpGs(known, targets, seen=seen, config=chosen, sequence=where, gap=gap, seed=seed)

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = MethylationModel(chosen)
    how = settings or _settings(len(rows["training"]))
    fitted = fit(
        model,
        batches(rows["training"], block),
        validation=batches(rows["validation"], block),
        objective=ReadsObjective(),
        settings=how,
        seed=seed,
    )
    raw = answers(model, batches(np.arange(len(known.place))), device=how.device)
    logger.info("trained on %d CpGs in %.1f s", len(rows["training"]), fitted.seconds)
    return MethylationFit(
        model=model,
        predictions=_table(known, raw).assign(role=_role_of_each(rows)),
        metrics=_metrics(known, raw, rows, seen=seen, block=block, seed=seed),
        history=fitted.history,
        seconds=time.perf_counter() - begin,
        params={"seed": seed, "block": block, **asdict(chosen), **fitted.params},
    )


def predict_methylation(
    model: MethylationModel,
    sites: AnnData | pd.DataFrame,
    *,
    genome: Genome | None = None,
    sample: str | None = None,
    device: str = "auto",
) -> pd.DataFrame:
    """Return the levels of CpGs by a trained model, those without reads included.

    Parameters
    ----------
    model
        Of :func:`methylation_levels`, or from a file.
    sites
        As for :func:`methylation_levels`; CpGs whose level is asked for and that have no reads have
        a coverage of 0.
    genome
        Needed where the model reads the sequence.
    sample
        Whose reads; by default those of all samples together.
    device
        ``"auto"`` takes CUDA where there is one.

    Returns
    -------
    DataFrame
        ``chrom, start, end, methylated, coverage, level, predicted, low, high, strength``, in order
        along the genome, as in :class:`MethylationFit`: none knows of the CpG's own reads.

    Raises
    ------
    ValueError
        If counts are missing or impossible, or model and genome do not go together.

    Examples
    --------
    >>> import grnet as gn
    >>> import pandas as pd
    >>> sites = pd.DataFrame({"chrom": "chr1", "start": [5, 9, 20], "coverage": [3, 0, 8]})
    >>> table = gn.train.predict_methylation(
    ...     gn.models.MethylationModel(), sites.assign(methylated=[3, 0, 7])
    ... )
    >>> table["predicted"].between(0, 1).all()
    np.True_
    """
    known = sites_of(sites, sample=sample)
    config = _config(model.config, genome)
    where = None if genome is None else (genome, windows(known, genome))
    everyone, seen = np.arange(len(known.place)), np.flatnonzero(known.covered)
    data = CpGs(known, everyone, seen=seen, config=config, sequence=where)
    return _table(known, answers(model, data, device=device))


def _config(config: MethylationModelConfig | None, genome: Genome | None) -> MethylationModelConfig:
    chosen = config or MethylationModelConfig(window=0 if genome is None else 200)
    if (genome is None) != (chosen.window == 0):
        found = "no genome was given" if genome is None else "a genome was given"
        message = (
            f"config.window={chosen.window}, but {found}: pass genome= together with "
            "MethylationModelConfig(window=...) above 0, or neither."
        )
        raise ValueError(message)
    return chosen


def _settings(n: int) -> FitSettings:
    """Return settings under which few CpGs are seen more often than many."""
    epochs = int(np.clip(-(-_STEPS * _BATCH // n), *_EPOCHS))
    return FitSettings(max_epochs=epochs, batch_size=_BATCH, learning_rate=3e-3, patience=epochs)


def _hidden(
    known: Sites, held_out: float | pd.DataFrame, *, block: int, rng: np.random.Generator
) -> Mask:
    """Return the CpGs whose reads nothing may see; both strands of one go together."""
    _checks.in_range(block, 0, 1 << 31, what="block")
    if isinstance(held_out, pd.DataFrame):
        hit = inside(known, held_out)
        hidden = np.isin(known.same_cpg, known.same_cpg[hit])
    else:
        _checks.in_range(held_out, 0.001, 0.9, what="held_out")
        hidden = drawn(known, held_out, block=block, rng=rng)
    for what, n in (
        ("held out", (hidden & known.covered).sum()),
        ("left to train on", (known.covered & ~hidden).sum()),
    ):
        if n < (1 if what == "held out" else _LEAST_SITES):
            message = (
                f"{n} CpGs with reads are {what}, of {int(known.covered.sum())}: change held_out, "
                f"or give more CpGs (at least {_LEAST_SITES} are needed to train)."
            )
            raise ValueError(message)
    return hidden


def _roles(known: Sites, hidden: Mask, *, block: int, rng: np.random.Generator) -> dict[str, Ints]:
    """Return the numbers of the CpGs of each role."""
    validation = drawn(known, _VALIDATION, block=block, rng=rng) & ~hidden
    masks = {
        "training": known.covered & ~hidden & ~validation,
        "validation": known.covered & validation,
        "held_out": known.covered & hidden,
        "uncovered": ~known.covered,
    }
    return {role: np.flatnonzero(mask) for role, mask in masks.items()}


def _table(known: Sites, raw: Floats) -> pd.DataFrame:
    """Return reads, measured levels and what a model says of them."""
    level, strength = expit(raw[:, 0].astype(np.float64)), np.exp(raw[:, 1].astype(np.float64))
    low, high = (beta.ppf(q, level * strength, (1 - level) * strength) for q in _INTERVAL)
    share = known.methylated / np.where(known.covered, known.coverage, np.nan)
    return known.frame.assign(
        methylated=known.methylated.astype(np.int64),
        coverage=known.coverage.astype(np.int64),
        level=share,
        predicted=level,
        low=low,
        high=high,
        strength=strength,
    )


def _role_of_each(rows: dict[str, Ints]) -> "pd.Categorical[str]":
    role = np.empty(sum(map(len, rows.values())), dtype=object)
    for name, own in rows.items():
        role[own] = name
    return pd.Categorical(role, categories=list(rows))


def _metrics(
    known: Sites, raw: Floats, rows: dict[str, Ints], *, seen: Ints, block: int, seed: int
) -> pd.DataFrame:
    """Score the model and the means of neighbours on the CpGs held out."""
    test = rows["held_out"]
    width, prior = baselines.tuned_kernel(
        known, seen, rows["training"], block=block, rng=np.random.default_rng([seed, 3])
    )
    near = baselines.neighbour_mean(known, seen, test, n=4)
    predicted = {
        "model": expit(raw[test, 0].astype(np.float64)),
        "neighbour mean": near,
        "kernel mean": baselines.kernel_mean(known, seen, test, width=width, prior=prior),
        "overall level": np.full(len(test), baselines.overall(known, seen)),
    }
    scores = {
        name: methylation_scores(known.methylated[test], known.coverage[test], levels)
        for name, levels in predicted.items()
    }
    return pd.DataFrame(scores).T
