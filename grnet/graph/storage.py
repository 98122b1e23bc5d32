"""Graphs in files: tensors as safetensors, all else as JSON in its header; no pickle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from torch_geometric.data import HeteroData

from grnet.graph import _values
from grnet.graph.conversion import global_values
from grnet.graph.validation import validate
from grnet.io import _tensors

if TYPE_CHECKING:
    import torch

KIND = _tensors.Kind("graph", "gn.graph.save", format=1)
"""Its format is raised when files written before can no longer be read as they are."""


def save(data: HeteroData, path: str | Path) -> Path:
    """Write a graph to a file.

    Parameters
    ----------
    data
        A valid graph; what is on a GPU is copied to the CPU.
    path
        The file, usually ``.safetensors``. It is written whole or not at all.

    Returns
    -------
    The path.

    Raises
    ------
    ValueError
        If the graph is not valid or holds values other than tensors, texts, numbers, lists and
        dicts.

    Examples
    --------
    >>> import grnet as gn
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> data = gn.graph.build(adata, known=adata.uns["grnet_truth"], n_components=4)
    >>> with TemporaryDirectory() as folder:
    ...     back = gn.graph.load(gn.graph.save(data, Path(folder) / "graph.safetensors"))
    >>> back.edge_types == data.edge_types
    True
    """
    validate(data)
    tensors: dict[str, torch.Tensor] = {}

    def put(tensor: torch.Tensor) -> str:
        tensors[key := str(len(tensors))] = tensor
        return key

    record = {
        "nodes": {kind: _values.plain(dict(data[kind]), put) for kind in data.node_types},
        "edges": [[kind, _values.plain(dict(data[kind]), put)] for kind in data.edge_types],
        "graph": _values.plain(global_values(data), put),
    }
    target = Path(path)
    _tensors.write(target, KIND, record=record, tensors=tensors)
    return target


def load(path: str | Path) -> HeteroData:
    """Read a graph that :func:`save` wrote.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    HeteroData on the CPU.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is truncated, no graph, or written by a newer grnet.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.graph.load("missing.safetensors")
    Traceback (most recent call last):
    FileNotFoundError: missing.safetensors does not exist: ...
    """
    record, tensors = _tensors.read(Path(path), KIND)
    data = HeteroData()
    stores = [*record["nodes"].items(), *((tuple(kind), kept) for kind, kept in record["edges"])]
    for kind, kept in stores:
        store = data[kind]
        for key, value in _values.revived(kept, tensors.__getitem__).items():
            store[key] = value
    for key, value in _values.revived(record["graph"], tensors.__getitem__).items():
        setattr(data, key, value)
    validate(data)
    return data
