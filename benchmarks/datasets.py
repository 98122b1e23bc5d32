"""The benchmark sets: real ones from ``GRNET_DATA`` or ``../shared/data``, and simulated ones."""

import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import anndata as ad
import pandas as pd
import scipy.sparse as sp

import grnet as gn
from grnet import _checks

ROOT = Path(__file__).resolve().parents[1]

DREAM4_NETS = (1, 2, 3)
BOOLODE = (
    "GSD_2000_0",
    "GSD_2000_1_50",
    "VSC_2000_0",
    "dyn-BF_500_0",
    "dyn-CY_500_0",
    "dyn-LI_500_0",
    "mCAD_2000_0",
)


class Pair(NamedTuple):
    """The row of the tables that a data set and a truth belong to."""

    name: str
    counted: bool
    """Whether it is part of the means and wins."""


class Size(NamedTuple):
    """Of a simulated set."""

    cells: int
    genes: int
    tfs: int

    def shrunk(self, factor: float) -> "Size":
        """Return a smaller one, to try a script."""
        least = Size(50, 30, 6)
        return Size(*(max(low, int(n / factor)) for n, low in zip(self, least, strict=True)))

    def __str__(self) -> str:
        return f"{self.cells:,} cells x {self.genes:,} genes x {self.tfs:,} TFs"


MEDIUM = Size(5_000, 5_000, 500)
LARGE = Size(50_000, 10_000, 1_000)


def data_folder() -> Path:
    """Return the folder of real data, or say how to name it."""
    folder = Path(os.environ.get("GRNET_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "grn").is_dir():
        message = f"No real data at {folder}: set GRNET_DATA to the folder that holds grn/."
        raise FileNotFoundError(message)
    return folder


def load(name: str) -> gn.evaluate.Dataset:
    """Return a real data set by its name in ``SETS``."""
    return SETS[_checks.one_of(name, tuple(SETS), "data set")](data_folder() / "grn")


def pair(dataset: str, truth: str) -> Pair:
    """Return the row of the tables; simulations of one family are averaged into one."""
    for family, counted in FAMILIES.items():
        if dataset.startswith(f"{family}_"):
            return Pair(family.replace("_", " "), counted)
    name = dataset if truth == "gold" else f"{dataset} {truth}"
    return Pair(name, (dataset, truth) not in EXTRA_TRUTHS)


FAMILIES = {"dream4_multifactorial": False, "dream4": True, "boolode": True}
"""The longer name first."""

EXTRA_TRUTHS = {("hesc_multiome", "lof_gof"), ("mdc_published", "chip")}


def simulated(size: Size, *, depth: float = 0.33, seed: int = 0) -> gn.evaluate.Dataset:
    """Return simulated cells, normalised, and their planted network; 83 % zeros by default."""
    adata = gn.datasets.simulate(*size, depth=depth, seed=seed)
    gn.pp.normalize(adata)
    tfs = adata.var_names[adata.var["is_tf"]]
    return gn.evaluate.Dataset(adata, list(tfs), {"planted": gn.datasets.truth(adata)})


def _table(path: Path) -> ad.AnnData:
    return gn.io.read_expression(path, orientation="genes_by_cells")


def _edges(path: Path) -> pd.DataFrame:
    """Read the first two columns: the ends of known edges."""
    edges = pd.read_csv(path, dtype=str, usecols=[0, 1], keep_default_na=False)
    return edges.set_axis(["source", "target"], axis=1)


def truths_of(folder: Path, names: Iterable[str]) -> dict[str, pd.DataFrame]:
    return {name: _edges(folder / f"truth_{name}.csv.gz") for name in names}


def _mdc(grn: Path) -> gn.evaluate.Dataset:
    folder = grn / "mdc"
    tfs = gn.io.read_tfs(folder / "tfs.txt")
    truths = truths_of(folder, ("string", "nonspecific_chip", "chip", "knockdown"))
    return gn.evaluate.Dataset(_table(folder / "expression.csv.gz"), tfs, truths)


def _mdc_published(grn: Path) -> gn.evaluate.Dataset:
    """Take all regulators of the ChIP truth, as older figures do, though two are no TFs."""
    data = _mdc(grn)
    chip = data.truths["chip"]
    return gn.evaluate.Dataset(data.adata, [*data.tfs, *chip["source"]], {"chip": chip})


def _hesc(grn: Path) -> gn.evaluate.Dataset:
    folder = grn / "hesc_multiome"
    matrix = sp.load_npz(folder / "RNA_features_x_cells.npz").T.tocsr().astype("float32")
    names = {
        axis: pd.Index(pd.read_csv(folder / f"RNA_{axis}.txt.gz", header=None, dtype=str)[0])
        for axis in ("barcodes", "features")
    }
    adata = ad.AnnData(
        matrix,
        obs=pd.DataFrame(index=names["barcodes"].rename(None)),
        var=pd.DataFrame(index=names["features"].rename(None)),
    )
    tfs = gn.io.read_tfs(folder / "tfs_benchmark.txt")
    truths = truths_of(folder, ("chip_and_knockdown", "knockdown", "chip", "lof_gof"))
    return gn.evaluate.Dataset(adata, tfs, truths)


def _bsubtilis(grn: Path) -> gn.evaluate.Dataset:
    folder = grn / "bsubtilis"
    tfs = gn.io.read_tfs(folder / "tfs.txt")
    truths = {"gold": _edges(folder / "truth.csv.gz")}
    return gn.evaluate.Dataset(_table(folder / "expression.tsv.gz"), tfs, truths)


def _dream4(grn: Path, *, net: int, tables: Iterable[str]) -> gn.evaluate.Dataset:
    """Stack experiments; rows have no names of their own, and time points no meaning here."""
    folder = grn / "dream4" / f"net{net}"
    parts = [pd.read_csv(folder / f"{table}.tsv.gz", sep="\t") for table in tables]
    stacked = pd.concat([part.drop(columns="Time", errors="ignore") for part in parts])
    stacked.index = pd.Index([f"sample{i}" for i in range(len(stacked))])
    truths = {"gold": _edges(folder / "truth.csv.gz")}
    return gn.evaluate.Dataset(ad.AnnData(stacked.astype("float32")), stacked.columns, truths)


def _boolode(grn: Path, *, name: str) -> gn.evaluate.Dataset:
    """Read cells of a simulation in which every gene may regulate."""
    folder = grn / "boolode" / name
    adata = _table(folder / "ExpressionData.csv.gz")
    truths = {"reference": _edges(folder / "refNetwork.csv.gz")}
    return gn.evaluate.Dataset(adata, adata.var_names, truths)


EXPERIMENTS = ("knockouts", "knockdowns", "wildtype", "timeseries")

SETS: dict[str, Callable[[Path], gn.evaluate.Dataset]] = {
    "mdc": _mdc,
    "hesc_multiome": _hesc,
    "bsubtilis": _bsubtilis,
    **{f"dream4_{net}": partial(_dream4, net=net, tables=EXPERIMENTS) for net in DREAM4_NETS},
    **{f"boolode_{name}": partial(_boolode, name=name) for name in BOOLODE},
    # not part of the means, see benchmarks/README.md
    "mdc_published": _mdc_published,
    **{
        f"dream4_multifactorial_{net}": partial(_dream4, net=net, tables=("multifactorial",))
        for net in DREAM4_NETS
    },
}
"""Real data sets by name."""
