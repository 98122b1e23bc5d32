"""Every notebook runs from start to end, and what is committed is what it shows."""

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
LARGEST = 1_500_000
SECONDS = 600
DRAWS = re.compile(r"\b(?:gn|sc)\.pl\.\w+\(|\bplt\.subplots\(|\.plot\w*\(")
ABSOLUTE = re.compile(r"(?<![\w./:-])/(?:work|home|root|tmp|usr|var|opt|private|Users|mnt)/")

every_notebook = pytest.mark.parametrize(
    "path", [pytest.param(path, id=path.stem) for path in NOTEBOOKS]
)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def pictures(cell):
    return [o for o in cell.outputs if "image/png" in o.get("data", {})]


def texts(cell):
    """All that the outputs of a cell say, pictures aside."""
    for output in cell.outputs:
        yield output.get("text", "")
        yield "\n".join(output.get("traceback", []))
        yield from (str(v) for kind, v in output.get("data", {}).items() if "image" not in kind)


def shown(cell):
    """What kinds of output a cell shows: pictures, tables, texts."""
    displays = [output for output in cell.outputs if "data" in output]
    return [sorted(output["data"]) for output in displays]


def test_there_are_notebooks():
    assert NOTEBOOKS


@every_notebook
def test_notebook_is_valid_and_small(path):
    nbformat.validate(nbformat.read(path, as_version=4))
    assert path.stat().st_size < LARGEST


@every_notebook
def test_committed_outputs_are_those_of_one_run(path):
    cells = code_cells(nbformat.read(path, as_version=4))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        assert not [o for o in cell.outputs if o.output_type == "error"], cell.source
        if DRAWS.search(cell.source):
            assert pictures(cell), f"no picture is stored for:\n{cell.source}"


@every_notebook
def test_committed_outputs_name_no_place_of_one_machine_and_warn_of_nothing(path):
    for cell in code_cells(nbformat.read(path, as_version=4)):
        for text in texts(cell):
            assert not ABSOLUTE.search(text), cell.source
            assert "Warning:" not in text, cell.source


@every_notebook
def test_notebook_runs_and_shows_what_is_committed(path, tmp_path, request):
    committed = nbformat.read(path, as_version=4)
    needs_data = any("GRNET_DATA" in cell.source for cell in code_cells(committed))
    data = str(request.getfixturevalue("real_data")) if needs_data else ""
    executed = nbformat.read(path, as_version=4)
    for cell in code_cells(executed):
        cell.outputs = []
    settings = {
        "OMP_WAIT_POLICY": "PASSIVE",  # idle threads that spin slow a busy machine tenfold
        "TMPDIR": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path),
        "GRNET_DATA": data,
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    client = NotebookClient(
        executed, timeout=SECONDS, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute(env={**os.environ, **settings})
    for ours, theirs in zip(code_cells(executed), code_cells(committed), strict=True):
        assert shown(ours) == shown(theirs), ours.source
