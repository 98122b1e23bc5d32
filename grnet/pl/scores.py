"""Pictures of scores: networks in colour, what knows nothing of regulation in grey."""

from typing import Literal

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm

from grnet import _checks

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's palette: apart for colour-blind readers too."""

GREY = "#9A9A9A"
DASHES = ("-", "--", ":", "-.")

Metric = Literal["auprc_ratio", "epr", "auroc", "auprc", "early_precision"]

LABELS = {
    "auprc_ratio": "AUPRC, times that of a random ranking",
    "epr": "Early precision, times that of a random ranking",
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "early_precision": "Early precision",
}
AT_RANDOM = {"auprc_ratio": 1.0, "epr": 1.0, "auroc": 0.5}
AXES = {
    "roc": ("False positive rate", "True positive rate"),
    "pr": ("Recall: share of the true edges found (log scale)", "Precision: share of true edges"),
}


def score_bars(
    frame: pd.DataFrame, *, metric: Metric = "auprc_ratio", ax: Axes | None = None
) -> Axes:
    """Draw one metric of networks (coloured) and nulls (grey) as bars.

    Parameters
    ----------
    frame
        Scores, as ``gn.evaluate.score`` returns them.
    metric
        Column to draw; the dashed line is what a random ranking reaches.
    ax
        Axes to draw into; new ones without.

    Returns
    -------
    The axes.

    Raises
    ------
    ValueError
        If the frame holds no scores or the metric is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> import grnet as gn
    >>> frame = pd.DataFrame({
    ...     "ranking": ["boost", "random"], "is_null": [False, True], "density": 0.1,
    ...     "auprc_ratio": [1.8, 1.0],
    ... })
    >>> gn.pl.score_bars(frame).get_xlabel()
    'AUPRC, times that of a random ranking'
    """
    _checks.one_of(metric, tuple(LABELS), "metric")
    _filled(frame, ["ranking", "is_null", "density", metric])
    frame = frame.sort_values("is_null", kind="stable")
    names = _names(frame)
    ax = ax or _axes(6.4, 0.9 + 0.32 * len(frame))
    places = np.arange(len(frame))
    colours = np.where(frame["is_null"], GREY, COLOURS[0])
    ax.barh(places, frame[metric], color=colours, height=0.72)
    for place, value in zip(places, frame[metric], strict=True):
        ax.annotate(
            _figure(value, metric),
            (value, place),
            (4, 0),
            textcoords="offset points",
            va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        )
    random = AT_RANDOM.get(metric, float(frame["density"].iloc[0]))
    ax.axvline(random, color="black", linestyle="--", linewidth=1)
    ax.set_yticks(places, names)
    ax.invert_yaxis()
    ax.margins(x=0.12)
    ax.set_xlim(left=0)
    ax.set_xlabel(LABELS[metric])
    _open(ax)
    return ax


def score_curves(
    frame: pd.DataFrame, *, curve: Literal["pr", "roc"] = "pr", ax: Axes | None = None
) -> Axes:
    """Draw the precision-recall or the ROC curves of networks (coloured) and nulls (grey).

    Parameters
    ----------
    frame
        Points, as ``gn.evaluate.curves`` returns them.
    curve
        ``"pr"`` or ``"roc"``; the thin line is what a random ranking reaches.
    ax
        Axes to draw into; new ones without.

    Returns
    -------
    The axes.

    Raises
    ------
    ValueError
        If the frame holds no points of the curve.

    Examples
    --------
    >>> import pandas as pd
    >>> import grnet as gn
    >>> frame = pd.DataFrame({
    ...     "ranking": "boost", "is_null": False, "curve": "roc", "x": [0, 0.2, 1],
    ...     "y": [0, 0.7, 1], "density": 0.1,
    ... })
    >>> gn.pl.score_curves(frame, curve="roc").get_xlabel()
    'False positive rate'
    """
    _checks.one_of(curve, tuple(AXES), "curve")
    _filled(frame, ["ranking", "is_null", "curve", "x", "y", "density"])
    points = frame.loc[frame["curve"] == curve]
    _filled(points, ["x"])
    ax = ax or _axes(6.4, 4.6)
    density = float(points["density"].iloc[0])
    ax.plot([0, 1], [0, 1] if curve == "roc" else [density, density], color="black", linewidth=0.8)
    drawn = points.groupby(["is_null", "ranking"], sort=False)
    styles = {False: 0, True: 0}
    for (is_null, name), part in drawn:
        i = styles[bool(is_null)]
        styles[bool(is_null)] += 1
        colour = GREY if is_null else COLOURS[i % len(COLOURS)]
        dash = DASHES[(i if is_null else i // len(COLOURS)) % len(DASHES)]
        width, order = (1.2, 2) if is_null else (2.0, 3)
        ax.plot(part["x"], part["y"], dash, color=colour, linewidth=width, zorder=order, label=name)
    x_label, y_label = AXES[curve]
    ax.set(xlabel=x_label, ylabel=y_label, xlim=(0, 1), ylim=(0, 1.02 if curve == "roc" else None))
    if curve == "pr":
        ax.set_xscale("log")
        ax.set_xlim(points.loc[points["x"] > 0, "x"].min(), 1)
        ax.xaxis.set_major_formatter("{x:g}")
    ax.legend(frameon=False, loc="lower right" if curve == "roc" else "upper right")
    _open(ax)
    return ax


def benchmark_heatmap(
    frame: pd.DataFrame, *, metric: Metric = "auprc_ratio", ax: Axes | None = None
) -> Axes:
    """Draw one metric of every method on every data set and truth; nulls stand below the line.

    Parameters
    ----------
    frame
        Results, as ``gn.evaluate.benchmark`` returns them.
    metric
        Column to draw. Orange is better than a random ranking, purple worse; the best method of
        each column is bold, and what failed says so.
    ax
        Axes to draw into; new ones without.

    Returns
    -------
    The axes.

    Raises
    ------
    ValueError
        If the frame is no benchmark or the metric is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> import grnet as gn
    >>> frame = pd.DataFrame({
    ...     "dataset": "mdc", "truth": "chip", "ranking": ["boost", "random"],
    ...     "is_null": [False, True], "density": 0.1, "auprc_ratio": [1.8, 1.0],
    ... })
    >>> [text.get_text() for text in gn.pl.benchmark_heatmap(frame).get_yticklabels()]
    ['boost', 'random']
    """
    _checks.one_of(metric, tuple(LABELS), "metric")
    _filled(frame, ["dataset", "truth", "ranking", "is_null", "density", metric])
    frame = frame.assign(name=_names(frame))
    random = AT_RANDOM[metric] if metric in AT_RANDOM else frame["density"]
    frame = frame.assign(against=np.log2(frame[metric].where(frame[metric] > 0) / random))
    table, colour = _by_test(frame, metric), _by_test(frame, "against").to_numpy(np.float64)
    n_methods = frame.loc[~frame["is_null"], "name"].nunique()
    ax = ax or _axes(2.6 + 0.95 * table.shape[1], 1.6 + 0.34 * len(table))
    reach = float(np.nanmax(np.abs(colour), initial=0.1))
    image = ax.imshow(colour, cmap="PuOr_r", norm=TwoSlopeNorm(0, -reach, reach), aspect="auto")
    _write_values(ax, table, np.abs(colour) > 0.62 * reach, metric=metric, n_methods=n_methods)
    if 0 < n_methods < len(table):
        ax.axhline(n_methods - 0.5, color="black", linewidth=1.5)
    ax.set_yticks(range(len(table)), list(table.index))
    ax.set_xticks(
        range(table.shape[1]), ["\n".join(map(str, test)) for test in table.columns.to_flat_index()]
    )
    ax.tick_params(axis="x", rotation=30, length=0)
    ax.tick_params(axis="y", length=0)
    plt.setp(ax.get_xticklabels(), ha="right", rotation_mode="anchor")
    ax.set_title(LABELS[metric])
    bar = ax.figure.colorbar(image, ax=ax, label="Times a random ranking", pad=0.02)
    bar.ax.yaxis.set_major_formatter(lambda power, _: f"{2**power:.2g}")
    return ax


def tf_scores(
    frame: pd.DataFrame,
    *,
    metric: Literal["auprc_ratio", "auroc", "auprc"] = "auprc_ratio",
    n_labels: int = 10,
    ax: Axes | None = None,
) -> Axes:
    """Draw how well the targets of each TF are found, against how many are known.

    Parameters
    ----------
    frame
        Scores, as ``gn.evaluate.score_per_tf`` returns them.
    metric
        Column to draw; the dashed line is what a random ranking reaches, on average.
    n_labels
        How many of the best TFs to name; a name that would cover another is left out.
    ax
        Axes to draw into; new ones without.

    Returns
    -------
    The axes.

    Raises
    ------
    ValueError
        If the frame holds no scores or the metric is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> import grnet as gn
    >>> frame = pd.DataFrame({"tf": ["A", "B"], "n_true": [3, 40], "auprc_ratio": [4.0, 1.3]})
    >>> gn.pl.tf_scores(frame).get_xlabel()
    'Known targets of the TF'
    """
    _checks.one_of(metric, ("auprc_ratio", "auroc", "auprc"), "metric")
    _filled(frame, ["tf", "n_true", metric])
    ax = ax or _axes(6.4, 4.6)
    ax.scatter(frame["n_true"], frame[metric], s=22, color=COLOURS[0], alpha=0.65, linewidth=0)
    if metric in AT_RANDOM:
        ax.axhline(AT_RANDOM[metric], color="black", linestyle="--", linewidth=1)
    ax.set_xscale("log")
    if metric == "auprc_ratio":
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter("{x:g}")
    ax.set(xlabel="Known targets of the TF", ylabel=LABELS[metric])
    ax.xaxis.set_major_formatter("{x:g}")
    ax.margins(x=0.12)
    _label_apart(ax, frame.nlargest(n_labels, metric), metric)
    _open(ax)
    return ax


def _filled(frame: pd.DataFrame, columns: list[str]) -> None:
    _checks.has_columns(frame, columns, "the table of scores")
    if frame.empty:
        message = "The table of scores has no rows of this kind: there is nothing to draw."
        raise ValueError(message)


def _axes(width: float, height: float) -> Axes:
    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def _open(ax: Axes) -> None:
    ax.spines[["top", "right"]].set_visible(False)


def _names(frame: pd.DataFrame) -> list[str]:
    """Return the rankings' names, with the context where there is one."""
    if "context" not in frame:
        return [str(name) for name in frame["ranking"]]
    pairs = zip(frame["ranking"], frame["context"], strict=True)
    return [str(name) if pd.isna(context) else f"{name} {context}" for name, context in pairs]


def _by_test(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return rankings x tests, methods first, everything in the order of the frame."""
    frame = frame.sort_values("is_null", kind="stable")
    rows = frame["name"].unique()
    columns = pd.MultiIndex.from_frame(frame[["dataset", "truth"]].drop_duplicates())
    table = frame.pivot_table(
        index="name", columns=["dataset", "truth"], values=column, dropna=False, sort=False
    )
    return table.reindex(index=rows, columns=columns)


def _figure(value: float, metric: str) -> str:
    """Return a value with the digits that matter: two for ratios, three for shares."""
    if np.isnan(value):
        return "failed"
    digits = 3 if metric not in {"auprc_ratio", "epr"} else 2 if value < 10 else 1
    return f"{value:.{digits}f}"


def _label_apart(ax: Axes, frame: pd.DataFrame, metric: str) -> None:
    """Name the points of the frame, leaving out a name that would cover an earlier one."""
    places = ax.transData.transform(frame[["n_true", metric]].to_numpy(np.float64))
    taken: list[np.ndarray] = []
    for i, place in enumerate(places):
        if all(abs(x - place[0]) > 60 or abs(y - place[1]) > 13 for x, y in taken):
            taken.append(place)
            tf, xy = str(frame["tf"].iloc[i]), tuple(frame[["n_true", metric]].iloc[i])
            ax.annotate(tf, xy, (4, 3), textcoords="offset points", fontsize="small")


def _write_values(
    ax: Axes, table: pd.DataFrame, dark: np.ndarray, *, metric: str, n_methods: int
) -> None:
    """Write the value into each cell, that of the best method of a column in bold."""
    best = table.iloc[:n_methods].max()
    for (i, j), value in np.ndenumerate(table.to_numpy()):
        bold = i < n_methods and value == best.iloc[j]
        ax.text(
            j,
            i,
            _figure(value, metric),
            ha="center",
            va="center",
            color="white" if dark[i, j] else "black",
            fontweight="bold" if bold else "normal",
        )
