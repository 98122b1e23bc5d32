"""Pictures of methylation: predicted levels beside those that were measured."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from grnet import _checks, _intervals

BLUE, VERMILION, GREY = "#0072B2", "#D55E00", "#9A9A9A"

_SHOWN = 80
_BINS = 10
_SMOOTH = 9


def methylation_fit(
    predictions: pd.DataFrame, *, region: str | None = None, min_coverage: int = 5
) -> Figure:
    """Draw predicted against measured levels of held-out CpGs, and a stretch of the chromosome.

    Parameters
    ----------
    predictions
        The frame of a :class:`grnet.train.MethylationFit`.
    region
        ``chr1:1,000-2,000``; by default the stretch of 80 CpGs in which the level changes most.
    min_coverage
        Least reads of a CpG for its measured level to be drawn.

    Returns
    -------
    Figure
        Its axes bear the labels ``levels`` and ``region``.

    Raises
    ------
    ValueError
        If columns are missing, nothing was held out, or the region holds no CpG.

    Notes
    -----
    Left: how many CpGs lie where; the line is the mean measured level of CpGs with alike
    predictions, which lies on the diagonal where predictions are right on average. Right: open
    circles are held out and filled ones were seen, the larger the more reads; the line and the band
    are the prediction and where nine of ten levels are expected.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> import grnet as gn
    >>> frame = pd.DataFrame({"chrom": "chr1", "start": np.arange(40) * 9, "coverage": 9})
    >>> frame["level"] = frame["predicted"] = np.linspace(0, 1, 40)
    >>> frame = frame.assign(low=0.0, high=1.0, role=["held_out", "training"] * 20)
    >>> [ax.get_label() for ax in gn.pl.methylation_fit(frame).axes][:2]
    ['levels', 'region']
    """
    columns = ("chrom", "start", "level", "coverage", "predicted", "low", "high", "role")
    _checks.has_columns(predictions, columns, "the frame of predictions")
    held_out = predictions["role"].eq("held_out") & (predictions["coverage"] >= min_coverage)
    if not held_out.any():
        message = (
            f"No held-out CpG has min_coverage={min_coverage} reads, of "
            f"{int(predictions['role'].eq('held_out').sum())} held out: lower min_coverage."
        )
        raise ValueError(message)
    shown = _stretch(predictions, held_out) if region is None else _within(predictions, region)
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(11, 3.6), width_ratios=[1, 2.2], layout="constrained"
    )
    _levels(left, predictions.loc[held_out])
    _region(right, shown, min_coverage)
    return figure


def _within(frame: pd.DataFrame, region: str) -> pd.DataFrame:
    place = _intervals.from_names([region], what="region").iloc[0]
    shown = frame.loc[
        frame["chrom"].eq(place["chrom"]) & frame["start"].between(place["start"], place["end"] - 1)
    ]
    if shown.empty:
        chroms = _checks.examples(frame["chrom"].unique())
        message = f"No CpG lies in {region!r}; the chromosomes are {chroms}."
        raise ValueError(message)
    return shown.sort_values("start")


def _stretch(frame: pd.DataFrame, held_out: pd.Series) -> pd.DataFrame:
    """Return the stretch in which the measured level changes most, with CpGs held out."""
    ordered = frame.assign(told=held_out).sort_values(["chrom", "start"])
    smooth = ordered.groupby("chrom")["level"].rolling(_SMOOTH, min_periods=1, center=True).mean()
    block = ordered.groupby("chrom").cumcount() // _SHOWN
    number = ordered.groupby(["chrom", block.rename("block")]).ngroup().to_numpy()
    told = ordered["told"]
    counts = told.groupby(number).sum()
    spread = pd.Series(smooth.to_numpy(), ordered.index).groupby(number).std()
    usual = spread.where(counts >= counts.median())
    best = usual.idxmax() if usual.notna().any() else counts.idxmax()
    shown: pd.DataFrame = ordered.loc[number == best]
    return shown


def _levels(ax: Axes, told: pd.DataFrame) -> None:
    drawn = ax.hist2d(
        told["predicted"], told["level"], bins=30, range=[[0, 1], [0, 1]], cmap="Blues", cmin=1
    )
    ax.figure.colorbar(drawn[3], ax=ax, label="CpGs", shrink=0.8)
    order = np.argsort(told["predicted"].to_numpy())
    parts = [part for part in np.array_split(order, _BINS) if len(part)]
    means = [told.iloc[part][["predicted", "level"]].mean() for part in parts]
    ax.plot([0, 1], [0, 1], "--", color=GREY, linewidth=1)
    ax.plot(*np.array(means).T, "o-", color=VERMILION, markersize=3.5, linewidth=1.2)
    ax.set(xlabel="Predicted level", ylabel="Measured level", xlim=(0, 1), ylim=(0, 1))
    ax.set_aspect("equal")
    ax.set_title(f"{len(told):,} CpGs held out", fontsize=10)
    ax.set_label("levels")


def _region(ax: Axes, shown: pd.DataFrame, min_coverage: int) -> None:
    at = shown["start"].to_numpy()
    ax.fill_between(at, shown["low"], shown["high"], color=BLUE, alpha=0.13, linewidth=0)
    ax.plot(at, shown["predicted"], color=BLUE, linewidth=1.2)
    told = shown.loc[shown["coverage"] >= min_coverage]
    out = told["role"].eq("held_out")
    size = 4 + 26 * np.sqrt(told["coverage"] / max(told["coverage"].max(), 1))
    ax.scatter(told["start"][~out], told["level"][~out], s=size[~out], color=GREY, linewidth=0)
    ax.scatter(
        *(told["start"][out], told["level"][out]),
        s=size[out],
        facecolor="white",
        edgecolor=VERMILION,
        linewidth=1.2,
        zorder=3,
    )
    ax.set(ylim=(-0.03, 1.03), ylabel="Level of methylation")
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
    ax.set_xlabel(f"{shown['chrom'].iloc[0]} (bases)")
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_label("region")
    _legend(ax)


def _legend(ax: Axes) -> None:
    out = Line2D([], [], marker="o", linestyle="", color=VERMILION, label="measured, held out")
    out.set_markerfacecolor("white")
    seen = Line2D([], [], marker="o", linestyle="", color=GREY, label="measured, seen")
    handles = [Line2D([], [], color=BLUE, label="predicted"), out, seen]
    ax.legend(
        handles=handles,
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=3,
        frameon=False,
        fontsize=9,
    )
