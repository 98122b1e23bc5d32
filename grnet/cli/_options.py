"""The options of the commands, each described once."""

import ast
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

Expression = Annotated[
    Path,
    typer.Argument(
        help="Expression: 10x .h5 or mtx folder, .h5ad, .loom, csv/tsv, or a folder of samples "
        "counted by STAR, htseq or featureCounts."
    ),
]
Network = Annotated[Path, typer.Argument(help="A network, e.g. .tsv, .cx2, .graphml, .parquet.")]
Tfs = Annotated[str, typer.Option(help="Regulators: human, mouse, yeast, or a file of names.")]
Outs = Annotated[
    list[Path],
    typer.Option(
        "--out",
        "-o",
        help="Where to write; the ending is the format: .tsv .csv .parquet .cx2 .graphml .cyjs "
        ".sif .html. May be given several times.",
    ),
]
MethodName = Annotated[str, typer.Option(help="How; `grnet methods` lists them.")]
Normalize = Annotated[
    bool | None,
    typer.Option(
        "--normalize/--no-normalize",
        help="Library size and log1p. By default what the values need: raw counts both, "
        "unlogged values log1p.",
        show_default=False,
    ),
]
NTop = Annotated[
    str, typer.Option(help="Edges to keep: a number, all, or auto (at most a million).")
]
Fdr = Annotated[
    float | None, typer.Option(help="Keep edges up to this false discovery rate (slower).")
]
NBootstrap = Annotated[
    int, typer.Option(help="Resamples for the column stability (as many runs more).")
]
Groupby = Annotated[str | None, typer.Option(help="Column of obs: one network per group of cells.")]
Pseudotime = Annotated[
    str | None, typer.Option(help="Numeric column of obs: one network per window along it.")
]
NWindows = Annotated[
    int | None,
    typer.Option(help="Windows of pseudotime, with as many cells each; by default 4."),
]
Layer = Annotated[str | None, typer.Option(help="Layer to use instead of X.")]
Prior = Annotated[
    list[Path] | None, typer.Option(help="Known pairs: source, target, weight; repeatable.")
]
PriorMode = Annotated[
    str, typer.Option(help="combine: one more layer of evidence; restrict: score no other pair.")
]
Known = Annotated[
    Path | None,
    typer.Option(help="Known edges to learn from: source, target and, optionally, label 0 or 1."),
]
GraphFile = Annotated[
    Path | None, typer.Option("--graph", help="Graph of evidence, from grnet graph build.")
]
Fasta = Annotated[Path, typer.Option("--genome", help="FASTA file, plain or gzipped.")]
Motifs = Annotated[Path, typer.Argument(help="Motifs: MEME, JASPAR or TRANSFAC, or a folder.")]
MaxPvalue = Annotated[float, typer.Option(help="Weakest p-value of a motif hit.")]
Seed = Annotated[int, typer.Option(help="Same seed, same result.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
MethodOptions = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="KEY=VALUE", help="The method's own option; repeatable."),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="OLD=NEW",
        help="Read column OLD as NEW, e.g. TF=source, importance=weight; repeatable.",
    ),
]


def pairs(given: Iterable[str] | None, option: str) -> dict[str, str]:
    """Split ``key=value`` texts."""
    split = [text.partition("=") for text in given or ()]
    wrong = next((key for key, sign, value in split if not (key and sign and value)), None)
    if wrong is not None:
        message = f"{option} {wrong!r}: expected key=value."
        raise typer.BadParameter(message)
    return {key: value for key, _, value in split}


def values(given: Iterable[str] | None) -> dict[str, Any]:
    """Return the options of a method: numbers, true, false and none as such, else text."""
    return {key: _value(text) for key, text in pairs(given, "--option").items()}


def _value(text: str) -> Any:  # noqa: ANN401 - whatever the method takes
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def number_of_edges(text: str) -> int | str | None:
    """Return what ``n_top`` takes: a number, ``"auto"``, or None for all."""
    if text in {"auto", "all"}:
        return None if text == "all" else text
    if not text.isdecimal() or int(text) == 0:
        message = f"--n-top {text!r}: expected a positive number, auto or all."
        raise typer.BadParameter(message)
    return int(text)
