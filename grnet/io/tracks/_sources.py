"""Files with names: one path, several, a folder, or a mapping of names to paths."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from grnet import _checks

Source = str | Path | Sequence[str | Path] | Mapping[str, str | Path]

_ENDINGS = re.compile(
    r"(\.gz|\.bgz|\.txt|\.tsv|\.csv|\.bw|\.bigwig|\.bdg|\.bg|\.bedgraph|\.bed|\.bedmethyl|\.cov|\.zero"
    r"|\.bismark|\.deduplicated|\.cytosine_?report|\.c[pxg]+_report|\.allc)+$",
    re.IGNORECASE,
)


def named_files(source: Source, *, what: str, folders: bool = True) -> dict[str, Path]:
    """Return each file under its name: the key of a mapping, else its name without endings."""
    if isinstance(source, Mapping):
        files = {str(name): Path(path) for name, path in source.items()}
    else:
        files = _by_stem(_listed(source, folders=folders))
    if not files:
        message = f"No file of {what} is given or found in {source!r}: name at least one."
        raise ValueError(message)
    for path in files.values():
        if path.is_dir():
            message = f"{path} is a folder: name the files of {what} in it."
            raise IsADirectoryError(message)
        if not path.exists():
            message = f"{path} does not exist: check the path of {what}."
            raise FileNotFoundError(message)
    return files


def _listed(source: str | Path | Sequence[str | Path], *, folders: bool) -> list[Path]:
    if not isinstance(source, str | Path):
        return [Path(path) for path in source]
    path = Path(source)
    if not (folders and path.is_dir()):
        return [path]
    return sorted(file for file in path.iterdir() if file.is_file() and file.name[0] != ".")


def _by_stem(paths: list[Path]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for path in paths:
        name = _ENDINGS.sub("", path.name) or path.name
        if name in files:
            message = (
                f"{files[name]} and {path} would both be called {name!r}: pass a mapping of names "
                f"to paths, such as {_checks.examples(['first', 'second'])}."
            )
            raise ValueError(message)
        files[name] = path
    return files
