"""One gene, several names: symbols, systematic names, Ensembl ids with a version, aliases."""

import warnings
from collections.abc import Iterable, Iterator

import pandas as pd

from grnet import _checks

VERSION = r"\.\d+$"
FEW = 10
"""Genes that may differ in case without a word."""

SEPARATOR = "|"
"""Between the aliases of one gene, as in SGD's and HGNC's tables."""


def resolved(
    names: Iterable[str], known: Iterable[str], *, aliases: pd.DataFrame | None = None
) -> dict[str, str]:
    """Map each name to the same gene among the known names; the others are left out.

    A name is tried as it is, without regard to case, and through the table of aliases: one gene a
    row, one kind of name a column, several aliases separated by ``|``. Columns are tried from left
    to right; a name that stands for two genes in one column is not used.

    >>> table = pd.DataFrame({"id": ["YKL112W"], "name": ["ABF1"], "aliases": ["BAF1|OBF1"]})
    >>> resolved(["Abf1", "OBF1", "ykl112w", "X"], ["YKL112W"], aliases=table)
    {'Abf1': 'YKL112W', 'OBF1': 'YKL112W', 'ykl112w': 'YKL112W'}
    """
    wanted = list(dict.fromkeys(str(name) for name in names))
    targets = dict.fromkeys(str(name) for name in known)
    found = {name: name for name in wanted if name in targets}
    for table in _tables(list(targets), aliases):
        for name in wanted:
            if name not in found and name.upper() in table:
                found[name] = table[name.upper()]
    return {name: found[name] for name in wanted if name in found}


def located(
    genes: pd.DataFrame,
    names: Iterable[str] | None = None,
    *,
    aliases: pd.DataFrame | None = None,
    min_matched: float = 0.05,
) -> pd.DataFrame:
    """Return the rows of an annotation that belong to the names, with ``gene`` set to the name.

    Parameters
    ----------
    genes
        Annotation with ``gene`` and, optionally, ``gene_id``.
    names
        Genes wanted, e.g. ``adata.var_names``; None for all.
    aliases
        Further names, as in :func:`resolved`.
    min_matched
        Least share of the names to be found.

    Raises
    ------
    ValueError
        If fewer are found, with examples of both sides.

    Warns
    -----
    UserWarning
        If most are found without regard to case only, as genes of mouse are in those of human.
    """
    if names is None:
        return genes
    wanted = list(dict.fromkeys(str(name) for name in names))
    kinds = [column for column in ("gene", "gene_id") if column in genes]
    label = pd.Series(index=genes.index, dtype=object)
    for column in kinds:
        text = genes[column].astype(str)
        for spelling in (text, text.str.replace(VERSION, "", regex=True)):
            label = label.where(label.notna(), spelling.where(spelling.isin(wanted)))
        placed = set(label.dropna())
        left = [name for name in wanted if name not in placed]
        table = {known: name for name, known in resolved(left, text, aliases=aliases).items()}
        label = label.where(label.notna(), text.map(table))
    matched = label.nunique()
    if matched < max(1, min_matched * len(wanted)):
        shown = " or ".join(_checks.examples(genes[column]) for column in kinds)
        message = (
            f"Only {matched} of {len(wanted)} genes are in the annotation: the data have "
            f"{_checks.examples(wanted)}, the annotation {shown}. Use the annotation of the same "
            "organism, or pass aliases=, a table with both kinds of names."
        )
        raise ValueError(message)
    _warn_of_case(genes, kinds, label)
    return genes.assign(gene=label).loc[label.notna()]


def _warn_of_case(genes: pd.DataFrame, kinds: list[str], label: "pd.Series[str]") -> None:
    """Warn where most names differ from the annotation in nothing but upper and lower case."""
    found = label.notna()
    texts = [genes[column].astype(str).str.replace(VERSION, "", regex=True) for column in kinds]
    bare = label.astype("string").str.replace(VERSION, "", regex=True)
    same = pd.concat([text == bare for text in texts], axis=1).any(axis=1)
    alike = pd.concat([text.str.upper() == bare.str.upper() for text in texts], axis=1).any(axis=1)
    only_case = found & alike.fillna(value=False) & ~same.fillna(value=False)
    if only_case.sum() > max(found.sum() / 2, FEW):
        first = genes.loc[only_case].iloc[0]
        warnings.warn(
            f"{int(only_case.sum())} of {int(found.sum())} genes are found in the annotation only "
            f"without regard to case ({label[only_case].iloc[0]!r}, {first[kinds[0]]!r}), as it is "
            "between species: human GAPDH, mouse Gapdh. Check that it is of the same organism.",
            UserWarning,
            stacklevel=4,
        )


def _tables(known: list[str], aliases: pd.DataFrame | None) -> Iterator[dict[str, str]]:
    """Yield tables from names in capitals to known names, the surest first."""
    upper = pd.Series(known, index=[name.upper() for name in known], dtype=object)
    upper = upper.loc[~upper.index.duplicated(keep=False)]
    yield dict(zip(upper.index, upper, strict=True))
    if aliases is None:
        return
    columns = [aliases[column].astype("string").str.upper() for column in aliases.columns]
    split = [column.str.split(SEPARATOR, regex=False).explode().dropna() for column in columns]
    gene = pd.Series(index=aliases.index, dtype=object)
    for column in split:
        hit = column.map(upper).dropna()
        gene = gene.where(gene.notna(), hit.loc[~hit.index.duplicated()].reindex(gene.index))
    for column in split:
        pairs = pd.DataFrame({"name": column, "gene": gene.reindex(column.index)}).dropna()
        pairs = pairs.drop_duplicates()
        unambiguous = pairs.loc[~pairs["name"].duplicated(keep=False)]
        yield dict(zip(unambiguous["name"], unambiguous["gene"], strict=True))
