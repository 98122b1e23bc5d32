"""The wheel holds all that grnet reads of its own, and nothing else of the project."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[1]
LARGEST_FILE = 300_000
LARGEST_WHEEL = 1_000_000
ENDINGS = {".py", ".typed", ".html", ".css", ".js", ".md", ".txt", ".csv", ".h5ad"}

PROBE = """
import json, sys
from pathlib import Path

import grnet as gn
from grnet._shipped import shipped

grn = gn.datasets.example_network()
page = gn.io.write_html(grn, "network.html")
print(json.dumps({
    "package": gn.__file__,
    "data": str(shipped("simulated", "counts.h5ad")),
    "simulated": gn.datasets.load("simulated").shape,
    "truth": len(gn.datasets.truth(gn.datasets.load("simulated"))),
    "tfs": {name: len(gn.io.read_tfs(name)) for name in ("human", "mouse", "yeast")},
    "methods": len(gn.infer.methods),
    "page": page.stat().st_size,
}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built as pip builds it."""
    build = pytest.importorskip("hatchling.build")
    folder = tmp_path_factory.mktemp("dist")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return folder / build.build_wheel(str(folder))


@pytest.fixture(scope="module")
def sizes(wheel):
    """Size of each file of the wheel, by its path in it."""
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        return {PurePosixPath(item.filename): item.file_size for item in archive.infolist()}


def files_of(*parts):
    """Files of the project under a folder, as paths inside it."""
    folder = ROOT.joinpath(*parts)
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder) for path in files if "__pycache__" not in path.parts}


def inside(sizes, *parts):
    """Files of the wheel under a folder, as paths inside it."""
    folder = PurePosixPath(*parts)
    return {Path(path.relative_to(folder)) for path in sizes if path.is_relative_to(folder)}


def test_all_of_the_package_and_its_data_is_inside(sizes):
    data = {Path("data") / path for path in files_of("data")}
    assert inside(sizes, "grnet") == files_of("grnet") | data


@pytest.mark.parametrize(
    "path",
    [
        "py.typed",
        "data/tfs/human.txt",
        "data/tfs/mouse.txt",
        "data/tfs/yeast.txt",
        "data/simulated/counts.h5ad",
        "data/simulated/truth.csv",
        "data/measured/methods.csv",
        "explain/page/dossier.css",
        "explain/page/dossier.html",
        "io/networks/page/page.html",
        "io/networks/page/page.css",
        "io/networks/page/page.js",
    ],
)
def test_what_grnet_reads_is_inside_and_not_empty(sizes, path):
    file = PurePosixPath("grnet", path)
    assert file in sizes
    assert sizes[file] > 0 or path == "py.typed"


def test_nothing_else_is_inside(sizes, wheel):
    tops = {path.parts[0] for path in sizes}
    assert tops == {"grnet", wheel.name.removesuffix("-py3-none-any.whl") + ".dist-info"}
    package = [path for path in sizes if path.parts[0] == "grnet"]
    assert {path.suffix for path in package} <= ENDINGS
    odd = {"tests", "notebooks", "benchmarks", "__pycache__", ".ipynb_checkpoints"}
    assert not [path for path in package if odd & set(path.parts) or path.name.startswith(".")]
    large = {str(path): size for path, size in sizes.items() if size > LARGEST_FILE}
    assert not large
    assert wheel.stat().st_size < LARGEST_WHEEL


def test_metadata_names_the_command_and_the_licence(wheel):
    info = wheel.name.removesuffix("-py3-none-any.whl") + ".dist-info"
    with zipfile.ZipFile(wheel) as archive:
        entries = archive.read(f"{info}/entry_points.txt").decode()
        licence = archive.read(f"{info}/licenses/LICENSE").decode()
        metadata = archive.read(f"{info}/METADATA").decode()
    assert "grnet = grnet.cli:main" in entries
    assert "BSD" in licence
    assert "License-Expression: BSD-3-Clause" in metadata
    assert "Provides-Extra: activity" in metadata


def test_the_unpacked_wheel_works_from_its_own_data(wheel, tmp_path):
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    environment = {**os.environ, "PYTHONPATH": str(site), "OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROBE],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert Path(told["package"]) == site / "grnet" / "__init__.py"
    assert Path(told["data"]) == site / "grnet" / "data" / "simulated" / "counts.h5ad"
    assert told["simulated"] == [600, 300]
    assert told["truth"] > 0
    assert all(count > 100 for count in told["tfs"].values())
    assert told["methods"] > 0
    assert told["page"] > 100_000
