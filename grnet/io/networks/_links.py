"""Links from the page of a network to the pages of its edges: relative, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from grnet.grn import GRN

Dossiers = Mapping[tuple[str, ...], str | PurePath]


def as_hrefs(dossiers: Dossiers) -> dict[tuple[str, ...], str]:
    """Return the address of each page, ready for a browser; refuse what leads elsewhere."""
    return {_key(key): _href(path, key) for key, path in dossiers.items()}


def of_edges(shown: GRN, hrefs: Mapping[tuple[str, ...], str]) -> list[str | None]:
    """Return the address for each edge: that of its context, else that of the pair."""
    names = ["source", "target", *(["context"] if "context" in shown.edges else [])]
    keys = zip(*(shown.edges[name].astype(str) for name in names), strict=True)
    return [hrefs.get(key, hrefs.get(key[:2])) for key in keys]


def without_edge(shown: GRN, hrefs: Mapping[tuple[str, ...], str]) -> list[dict[str, str]]:
    """Return the pairs that have a page but no edge that leads to it."""
    linked = set(of_edges(shown, hrefs))
    return [
        {"source": key[0], "target": key[1], "context": "".join(key[2:]), "dossier": href}
        for key, href in sorted(hrefs.items())
        if href not in linked
    ]


def _key(key: tuple[str, ...]) -> tuple[str, ...]:
    if isinstance(key, tuple) and len(key) in {2, 3} and all(isinstance(x, str) for x in key):
        return key
    message = (
        f"A key of dossiers is {key!r}: expected (source, target) or (source, target, context)."
    )
    raise ValueError(message)


def _href(path: str | PurePath, key: tuple[str, ...]) -> str:
    text = path.as_posix() if isinstance(path, PurePath) else str(path)
    odd = (
        not text
        or text != text.strip()
        or not text.isprintable()
        or text.startswith("/")
        or "\\" in text
        or ":" in text
    )
    if odd:
        message = (
            f"The dossier of {' -> '.join(key[:2])} lies at {text!r}: expected the path of a file "
            "relative to the page, such as 'dossiers/A_B.html'; no address, no absolute path, no "
            "backslash or colon."
        )
        raise ValueError(message)
    return quote(text, safe="/")
