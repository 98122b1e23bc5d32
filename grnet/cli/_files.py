"""Files of the commands: expression read and prepared, tables and pictures written whole.

The commands import this module when they run: it loads what ``--help`` can do without.
"""

import tempfile
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData
from matplotlib.axes import Axes

import grnet as gn
from grnet.cli._console import err, shortest, step
from grnet.io._atomic import replacing
from grnet.io.networks._tables import write_text
from grnet.pp._matrix import matrix_of, scale_of


def read_prepared(path: Path, *, normalize: bool | None, layer: str | None) -> AnnData:
    """Read expression; ``X`` of the result is what to infer from.

    ``normalize=None`` does what the values need: raw counts are brought to one library size and
    logged, values that are not logarithms are logged, others stay as they are.
    """
    with step(f"Reading {shortest(path)}"):
        adata = gn.io.read_expression(path)
        values = matrix_of(adata, layer)
    scale = scale_of(values)
    if normalize or (normalize is None and scale == "counts"):
        gn.pp.normalize(adata, layer=layer)
        done = "raw counts, brought to one library size and logged"
    elif normalize is None and scale == "normalized":
        adata.X = _logged(values)
        done = "normalised values, logged"
    else:
        adata.X = values
        done = {"log": "logarithms", "scaled": "centred values or log ratios"}.get(scale, scale)
        done += ", taken as they are"
    err().print(
        f"  {adata.n_obs:,} cells x {adata.n_vars:,} genes: {done}", style="dim", highlight=False
    )
    return adata


def _logged(values: Any) -> Any:  # noqa: ANN401 - dense or any sparse
    if sp.issparse(values):
        return values.astype(np.float32).log1p()
    return np.log1p(np.asarray(values, dtype=np.float32))


TABLES = (".tsv", ".csv", ".tsv.gz", ".csv.gz", ".parquet")


def written_as_table(path: Path) -> None:
    """Raise unless the ending of a table's name says how to write it."""
    if not path.name.lower().endswith(TABLES):
        message = f"Cannot tell a format from {path.name!r}: end the name in {', '.join(TABLES)}."
        raise ValueError(message)


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a table in the format of the name's ending."""
    written_as_table(path)
    if path.suffix.lower() != ".parquet":
        write_text(frame, path)
        return
    with replacing(path) as part:
        frame.to_parquet(part, index=False)


def write_picture(ax: Axes, path: Path) -> None:
    """Write the figure of these axes in the format of the name's ending, and close it."""
    figure = ax.get_figure(root=True)
    with replacing(path) as part:
        plt.figure(figure).savefig(part, format=path.suffix[1:].lower(), dpi=150)
    plt.close(figure)


def check_writable(*networks: Path) -> None:
    """Raise if a network could not be written to one of these files: a small one is, elsewhere."""
    grn = gn.datasets.example_network()
    for path in networks:
        with tempfile.TemporaryDirectory() as folder:
            gn.io.write_network(grn, Path(folder, path.name))


def read_aliases(path: Path | None) -> pd.DataFrame | None:
    """Read a table of gene names, one kind of name a column; None for no file."""
    if path is None:
        return None
    table: pd.DataFrame = pd.read_csv(path, sep=None, engine="python", dtype=str)
    return table


def read_known(path: Path) -> pd.DataFrame:
    """Read known edges: ``source, target``, and whatever else the file says of them."""
    from grnet.infer._tables import edge_table  # noqa: PLC0415 - heavy

    return edge_table(path, what="the known edges")
