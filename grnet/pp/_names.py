"""Why names do not match, and the line of code that makes them match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anndata import AnnData

ENSEMBL = r"^ENS[A-Z]*[GTP]\d{9,}(?:\.\d+)?$"
"""Ensembl ids of genes, transcripts and proteins of any vertebrate, with or without a version."""

SYSTEMATIC = r"^(?:Y[A-P][LR]\d{3}[WC](?:-[A-Z])?|AT[1-5CM]G\d{5}|FBgn\d{7}|WBGene\d{8})$"
"""Systematic names of yeast, Arabidopsis, fly and worm."""

ENTREZ = r"^\d+$"


@dataclass(frozen=True)
class Diagnosis:
    """One way to make names match: how many then do, what is the matter, and the fix."""

    matched: int
    cause: str
    fix: str


def kind_of(names: pd.Index) -> str:
    """Tell symbols from Ensembl, systematic and Entrez names by what most of them look like."""
    if len(names) == 0:
        return "no names"
    kinds = {"Ensembl ids": ENSEMBL, "systematic names": SYSTEMATIC, "Entrez numbers": ENTREZ}
    for kind, pattern in kinds.items():
        if names.str.match(pattern).mean() > 0.5:
            return kind
    return "symbols"


def _respelled(pattern: str, by: str = "") -> Callable[[pd.Index], pd.Index]:
    return lambda names: names.str.replace(pattern, by, regex=True)


_AROUND = " \t\"'"

_SPELLINGS: tuple[tuple[str, Callable[[pd.Index], pd.Index], str], ...] = (
    ("carry a version suffix", _respelled(r"\.\d+$"), ".str.replace(r'\\.\\d+$', '', regex=True)"),
    (
        "have spaces or quotes around them",
        lambda names: names.str.strip(_AROUND),
        f".str.strip({_AROUND!r})",
    ),
    (
        "carry a second name after '|'",
        lambda names: names.str.split("|").str[0],
        ".str.split('|').str[0]",
    ),
    (
        "carry another name before '|'",
        lambda names: names.str.split("|").str[-1],
        ".str.split('|').str[-1]",
    ),
    (
        "carry a second name after '_'",
        lambda names: names.str.split("_").str[0],
        ".str.split('_').str[0]",
    ),
    (
        "carry a prefix before '_'",
        lambda names: names.str.split("_").str[-1],
        ".str.split('_').str[-1]",
    ),
    ("spell '-' where the others have '_'", _respelled("-", "_"), ".str.replace('-', '_')"),
    ("spell '_' where the others have '-'", _respelled("_", "-"), ".str.replace('_', '-')"),
)
"""What the names do, how they read without it, and the same as code."""


def diagnose(given: pd.Index, adata: AnnData, variable: str) -> Diagnosis | None:
    """Return the change that makes most of the given names match, or None if none helps much."""
    matched = len(given.intersection(adata.var_names))
    best = max(_candidates(given, adata, variable), key=lambda option: option.matched)
    return best if best.matched >= max(2 * matched, 1) else None


def _candidates(given: pd.Index, adata: AnnData, variable: str) -> Iterator[Diagnosis]:
    genes = adata.var_names.astype(str)
    yield from _elsewhere(given, adata)
    for cause, respell, code in _SPELLINGS:
        yield Diagnosis(
            len(given.intersection(respell(genes))),
            f"the gene names {cause}",
            f"adata.var_names = adata.var_names{code}",
        )
        yield Diagnosis(
            len(respell(given).unique().intersection(genes)),
            f"the given names {cause}",
            f"{variable} = pd.Index({variable}){code}",
        )
    yield _other_case(given, genes)


def _other_case(given: pd.Index, genes: pd.Index) -> Diagnosis:
    """Compare without regard to case, and show one pair that then is the same."""
    upper = pd.Series(genes, index=genes.str.upper())
    same = given[given.str.upper().isin(upper.index)]
    pair = f"{same[0]!r}, {upper.loc[[same[0].upper()]].iloc[0]!r}" if len(same) else ""
    return Diagnosis(
        same.str.upper().nunique(),
        f"upper and lower case differ ({pair}), as between species: human GAPDH, mouse Gapdh",
        "use the names of the species measured, e.g. tfs='mouse'; if it is the same species, "
        "adata.var_names = adata.var_names.str.upper() and the same for the given names",
    )


def _elsewhere(given: pd.Index, adata: AnnData) -> Iterator[Diagnosis]:
    """Look for the names in the other axis, in the columns of ``var`` and in ``raw``."""
    yield Diagnosis(
        len(given.intersection(adata.obs_names.astype(str))),
        "the genes are on the rows (obs_names)",
        "adata = adata.T",
    )
    for column in adata.var.columns:
        values = adata.var[column]
        if values.dtype == object or isinstance(values.dtype, pd.CategoricalDtype | pd.StringDtype):
            yield Diagnosis(
                len(given.intersection(pd.Index(values.dropna().astype(str).unique()))),
                f"they are in adata.var[{column!r}]",
                f"adata.var_names = adata.var[{column!r}].astype(str), then sum or drop duplicates",
            )
    if adata.raw is not None:
        yield Diagnosis(
            len(given.intersection(adata.raw.var_names.astype(str))),
            "they are among the genes of adata.raw",
            "adata = adata.raw.to_adata()",
        )


def unexplained(given: pd.Index, genes: pd.Index) -> str:
    """Say what to do where no change of spelling helps."""
    ours, theirs = kind_of(given), kind_of(genes)
    if ours != theirs:
        return (
            f"The given names are {ours}, the genes {theirs}: translate one with a table of your "
            f"annotation, e.g. adata.var_names = adata.var_names.map(table), with table a series "
            f"of {ours} indexed by {theirs}."
        )
    return (
        f"Both look like {ours}, but of different genes or species: compare the examples, and "
        "check that both come from the same organism and annotation."
    )
