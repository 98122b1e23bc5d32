"""The files that grnet ships: ``data/`` of the project, ``grnet/data/`` in a wheel."""

from pathlib import Path


def shipped(*parts: str) -> Path:
    """Return the path of a shipped file, in a wheel and in an editable install alike."""
    package = Path(__file__).resolve().parent
    for folder in (package / "data", package.parent / "data"):
        path = folder.joinpath(*parts)
        if path.exists():
            return path
    message = f"{'/'.join(parts)} is missing from this installation of grnet: install it again."
    raise FileNotFoundError(message)
