"""What the commands say: lines on stderr while they work, tables of results on stdout."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    import pandas as pd

WIDTH_OF_A_FILE = 120
STATUS_STYLES = {"ok": "green", "warning": "yellow", "low": "yellow"}
PARTIAL = 0.25
"""A network that scores less of the candidates is the top of a ranking, not one."""

SCORES = {
    "ranking": "ranking",
    "context": "context",
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "auprc_ratio": "AUPRC ratio",
    "early_precision": "early precision",
    "epr": "EPR",
}


def out() -> Console:
    """Return the console of results: as wide as the terminal, wider in a file."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH_OF_A_FILE)


def err() -> Console:
    """Return the console of progress, warnings and errors."""
    return Console(stderr=True)


def told(text: str) -> None:
    """Print text as it is."""
    out().print(text, highlight=False, markup=False, soft_wrap=True)


def headline(text: str) -> None:
    """Print a headline."""
    out().print(f"\n{text}", style="bold cyan", highlight=False, markup=False, soft_wrap=True)


@contextmanager
def step(doing: str) -> Iterator[None]:
    """Say what is being done, and how long it took."""
    console, start = err(), time.perf_counter()
    console.print(f"{doing} ...", style="dim", highlight=False, markup=False, soft_wrap=True)
    yield
    seconds = time.perf_counter() - start
    if seconds >= 1:
        console.print(f"  {seconds:.1f} s", style="dim", highlight=False)


def show(frame: "pd.DataFrame", *, title: str, note: str = "", line_after: int = -1) -> None:
    """Print a table, with a line after the given row and a note beneath."""
    table = Table(title=title, title_justify="left", title_style="bold", caption_justify="left")
    table.caption = Text(note) if note else None
    for name in frame.columns:
        number = frame[name].dtype.kind in "if"
        table.add_column(str(name), justify="right" if number else "left", overflow="fold")
    for i, row in enumerate(frame.itertuples(index=False, name=None)):
        table.add_row(*map(_cell, row), end_section=i == line_after)
    out().print(table)


def show_scores(scores: "pd.DataFrame", *, title: str) -> None:
    """Print scores, the nulls beneath the networks."""
    scores = scores.sort_values("is_null", kind="stable")
    first = scores.iloc[0]
    note = (
        f"Beneath the line: the nulls, which any method has to beat. {first['n_true']:,} true of "
        f"{first['n_candidates']:,} candidate pairs (density {first['density']:.3f}, rule "
        f"{first['candidates']}); AUPRC ratio and EPR: times that of a random ranking."
    )
    for row in scores.loc[~scores["is_null"] & (scores["scored"] < PARTIAL)].itertuples():
        note += (
            f" {row.ranking} scores {row.scored:.1%} of the candidates: the others rank last, so "
            "compare its early precision; its areas fall with what it leaves out."
        )
    table = scores[[name for name in SCORES if name in scores]].rename(columns=SCORES)
    show(table, title=title, note=note, line_after=int((~scores["is_null"]).sum()) - 1)


def show_edges(edges: "pd.DataFrame", *, title: str) -> None:
    """Print the columns of edges that a reader looks at first."""
    names = ("source", "target", "weight", "context", "agreement", "stability", "fdr")
    show(edges[[name for name in names if name in edges]], title=title)


def shortest(path: Path) -> str:
    """Return a path relative to the current folder where it lies within."""
    path, here = path.resolve(), Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _cell(value: Any) -> Text:  # noqa: ANN401 - a cell of any table
    if isinstance(value, float):
        return Text("" if value != value else f"{value:.3f}")  # noqa: PLR0124 - NaN
    if isinstance(value, int) and not isinstance(value, bool):
        return Text(f"{value:,}")
    return Text(str(value), style=STATUS_STYLES.get(str(value), ""))
