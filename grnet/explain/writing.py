"""Dossiers in a folder, under names that any file system takes."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from grnet.explain import _page
from grnet.io._atomic import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grnet.explain.record import Dossier

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,59}")


def write_dossiers(dossiers: Iterable[Dossier], folder: str | Path) -> dict[tuple[str, ...], str]:
    """Write each dossier as a page and as JSON into a folder, and an index of them.

    Parameters
    ----------
    dossiers
        One or more, of different pairs (or contexts).
    folder
        Where to write; made if it is missing. ``index.html`` lists all of this call.

    Returns
    -------
    dict
        From ``(source, target)``, or ``(source, target, context)``, to the page, relative to the
        folder that holds ``folder``: what ``gn.io.write_html(grn, ..., dossiers=...)`` links when
        its page is written beside ``folder``.

    Raises
    ------
    ValueError
        If there is no dossier, or two are of the same pair.

    Notes
    -----
    Files are named ``SOURCE_TARGET``. Names with other characters than letters, digits, dots and
    hyphens, and those that differ in case only, bear a checksum, so that none meets another.

    Examples
    --------
    >>> import tempfile
    >>> import grnet as gn
    >>> lost = gn.explain.Dossier(source="A", target="B", verdict="No.", lost_at="regulators")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     gn.explain.write_dossiers([lost], f"{folder}/dossiers")
    {('A', 'B'): 'dossiers/A_B.html'}
    """
    held, place = list(dossiers), Path(folder)
    counts = Counter(one.key for one in held)
    doubled = [key for key, count in counts.items() if count > 1]
    if not held or doubled:
        found = f"two dossiers of {' -> '.join(doubled[0][:2])}" if doubled else "no dossier"
        message = f"Found {found}: pass one or more, each of another pair or context."
        raise ValueError(message)
    stems = _stems(list(counts))
    for one in held:
        stem = stems[one.key]
        one.to_json(place / f"{stem}.json")
        one.to_html(place / f"{stem}.html", numbers=f"{stem}.json")
    pages = {key: f"{stem}.html" for key, stem in stems.items()}
    with replacing(place / "index.html") as part:
        part.write_text(_page.index(held, pages), encoding="utf-8")
    inside = place.resolve().name
    return {key: f"{inside}/{name}" for key, name in pages.items()}


def _stems(keys: list[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """Return a name for each key; one that is not the key itself, or not alone, is signed."""
    joined = {key: "_".join(key) for key in keys}
    folded = Counter(name.casefold() for name in joined.values())
    return {
        key: name
        if all(map(_PLAIN.fullmatch, key)) and folded[name.casefold()] == 1
        else _signed(key)
        for key, name in joined.items()
    }


def _signed(key: tuple[str, ...]) -> str:
    text = "_".join(re.sub(r"[^A-Za-z0-9.-]+", "-", part)[:40].lstrip(".-") for part in key)
    return f"{text}_{hashlib.sha256(json.dumps(key).encode()).hexdigest()[:12]}"
