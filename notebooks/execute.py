"""Run notebooks and keep what they show: ``python notebooks/execute.py 02_yeast_layers_to_graph``.

Without a name, all of them. Progress bars are folded away, and no times are recorded, so that a run
that shows the same writes the same.
"""

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent


def main(names: list[str]) -> None:
    """Execute each notebook in place."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for path in [FOLDER / f"{name}.ipynb" for name in names] or sorted(FOLDER.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        settings = {"metadata": {"path": str(FOLDER)}}
        client = NotebookClient(
            notebook, timeout=600, record_timing=False, coalesce_streams=True, resources=settings
        )
        client.execute()
        for cell in [cell for cell in notebook.cells if cell.cell_type == "code"]:
            outputs = cell.get("outputs", [])
            cell["outputs"] = [o for o in outputs if o.get("text", "x").strip()]
        nbformat.write(notebook, path)


if __name__ == "__main__":
    main(sys.argv[1:])
