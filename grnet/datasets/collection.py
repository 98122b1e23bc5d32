"""Small data sets that are installed with grnet or scanpy."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc

from grnet import _checks, _keys
from grnet._shipped import shipped
from grnet.grn import GRN

if TYPE_CHECKING:
    from collections.abc import Callable

    from anndata import AnnData


def truth(adata: AnnData) -> pd.DataFrame:
    """Return the known edges of a data set: ``source, target`` and the signed ``weight``.

    Raises
    ------
    ValueError
        If the data set carries none.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.datasets.truth(gn.datasets.load("toggleswitch"))
      source target  weight
    0      1      0    -1.0
    1      0      1    -1.0
    """
    if _keys.TRUTH not in adata.uns:
        message = (
            f"adata.uns has no {_keys.TRUTH!r}: no edge of these data is known. Simulated data "
            f"have it (gn.datasets.simulate, or load one of {', '.join(_with_truth())})."
        )
        raise ValueError(message)
    return pd.DataFrame(adata.uns[_keys.TRUTH]).reset_index(drop=True)


def example_network() -> GRN:
    """Return a small network of 12 signed edges among 3 TFs and 6 genes, for trying things out.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.datasets.example_network().regulons()["TF1"]
    ['TF2', 'G1', 'G2', 'G3']
    """
    edges = [
        ("TF1", "TF2", 0.95),
        ("TF1", "G1", 0.9),
        ("TF1", "G2", 0.7),
        ("TF1", "G3", -0.45),
        ("TF2", "G3", 0.85),
        ("TF2", "TF3", -0.8),
        ("TF2", "G4", 0.6),
        ("TF2", "G1", -0.3),
        ("TF3", "G5", 0.75),
        ("TF3", "G6", 0.65),
        ("TF3", "G2", 0.4),
        ("TF3", "G4", -0.35),
    ]
    return GRN(
        pd.DataFrame(edges, columns=["source", "target", "weight"]), params={"method": "example"}
    )


def _pbmc68k_reduced() -> AnnData:
    """X of the scanpy file is centred; its ``raw`` holds the log-normalised values."""
    loaded = sc.datasets.pbmc68k_reduced()
    return ad.AnnData(
        loaded.raw.X.copy(),
        obs=loaded.obs.copy(),
        var=loaded.raw.var.copy(),
        obsm={key: np.asarray(value) for key, value in loaded.obsm.items()},
    )


def _ode(load_table: Callable[[], AnnData], regulators: dict[str, str]) -> Callable[[], AnnData]:
    """Return a loader of one of scanpy's simulated tables, with the edges of its equations."""

    def load_it() -> AnnData:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Observation names are not unique")
            adata = load_table()
        adata.obs_names = [f"cell{i + 1}" for i in range(adata.n_obs)]
        edges = [
            (term[1:], target, 1.0 if term[0] == "+" else -1.0)
            for target, terms in regulators.items()
            for term in terms.split()
        ]
        known = pd.DataFrame(edges, columns=["source", "target", "weight"]).rename(index=str)
        return ad.AnnData(adata.X, obs=adata.obs, var=adata.var, uns={_keys.TRUTH: known})

    return load_it


# Krumsiek et al. 2011, table 1: what each gene is switched on (+) and off (-) by, itself left out
_KRUMSIEK = {
    "Gata2": "-Gata1 -Fog1 -Pu.1",
    "Gata1": "+Gata2 +Fli1 -Pu.1",
    "Fog1": "+Gata1",
    "EKLF": "+Gata1 -Fli1",
    "Fli1": "+Gata1 -EKLF",
    "SCL": "+Gata1 -Pu.1",
    "Cebpa": "-Gata1 -Fog1 -SCL",
    "Pu.1": "+Cebpa -Gata1 -Gata2",
    "cJun": "+Pu.1 -Gfi1",
    "EgrNab": "+Pu.1 +cJun -Gfi1",
    "Gfi1": "+Cebpa -EgrNab",
}


@dataclass(frozen=True)
class _Dataset:
    load: Callable[[], AnnData]
    cells: int
    genes: int
    truth: bool
    what: str
    source: str


_DATASETS = {
    "simulated": _Dataset(
        lambda: ad.read_h5ad(shipped("simulated", "counts.h5ad")),
        600,
        300,
        truth=True,
        what="counts of 3 cell types from a planted network of 30 TFs",
        source="grnet, BSD-3-Clause",
    ),
    "pbmc68k_reduced": _Dataset(
        _pbmc68k_reduced,
        700,
        765,
        truth=False,
        what="human blood cells, log-normalised, with cell types and embeddings",
        source="10x Genomics (Zheng 2017), shipped by scanpy, BSD-3-Clause",
    ),
    "krumsiek11": _Dataset(
        _ode(sc.datasets.krumsiek11, _KRUMSIEK),
        640,
        11,
        truth=True,
        what="myeloid differentiation simulated from a literature-curated network",
        source="Krumsiek 2011, shipped by scanpy, BSD-3-Clause",
    ),
    "toggleswitch": _Dataset(
        _ode(sc.datasets.toggleswitch, {"0": "-1", "1": "-0"}),
        200,
        2,
        truth=True,
        what="two genes that repress each other, simulated",
        source="Gardner 2000, shipped by scanpy, BSD-3-Clause",
    ),
}


def _with_truth() -> list[str]:
    return [name for name, dataset in _DATASETS.items() if dataset.truth]


def load(name: str) -> AnnData:
    """Return a data set that is installed with grnet or scanpy; nothing is downloaded.

    Parameters
    ----------
    name
        One of the names of :func:`available`.

    Returns
    -------
    Cells x genes, counts or log-normalised values (``available()`` tells). Where edges are known
    they are in ``uns["grnet_truth"]``, see :func:`truth`.

    Raises
    ------
    ValueError
        If the name is unknown; the message lists the choices.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.datasets.load("simulated").shape
    (600, 300)
    """
    return _DATASETS[_checks.one_of(name, tuple(_DATASETS), "data set")].load()


def available() -> pd.DataFrame:
    """Return the data sets that :func:`load` knows, one row each, indexed by name.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.datasets.available().loc["pbmc68k_reduced", ["cells", "genes"]].astype(int).to_list()
    [700, 765]
    """
    columns = ["cells", "genes", "truth", "what", "source"]
    rows = {
        name: {column: getattr(dataset, column) for column in columns}
        for name, dataset in _DATASETS.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("name")
