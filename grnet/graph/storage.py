"""Graphs in files: tensors as safetensors, all else as JSON in its header; no pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialised
from torch_geometric.data import HeteroData

from grnet import __version__
from grnet.graph import _values
from grnet.graph.conversion import global_values
from grnet.graph.validation import validate
from grnet.io._atomic import replacing

if TYPE_CHECKING:
    import torch

FORMAT = 1
"""Raised when files written before can no longer be read as they are."""

_RECORD = "grnet_graph"


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
        # a copy of its own: safetensors refuses tensors that share memory
        tensors[key := str(len(tensors))] = tensor.detach().cpu().contiguous().clone()
        return key

    record = {
        "format": FORMAT,
        "grnet": __version__,
        "nodes": {kind: _values.plain(dict(data[kind]), put) for kind in data.node_types},
        "edges": [[kind, _values.plain(dict(data[kind]), put)] for kind in data.edge_types],
        "graph": _values.plain(global_values(data), put),
    }
    target = Path(path)
    with replacing(target) as part:
        part.write_bytes(serialised(tensors, metadata={_RECORD: json.dumps(record)}))
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
    file = Path(path)
    if not file.is_file():
        message = f"{file} does not exist: give a file that gn.graph.save wrote."
        raise FileNotFoundError(message)
    try:
        with safe_open(file, framework="pt") as opened:
            record = _record(opened.metadata(), file)
            tensors = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
    except SafetensorError as error:
        message = (
            f"{file} is damaged or no graph ({error}): it may be truncated. Copy it again, or "
            "write it again with gn.graph.save."
        )
        raise ValueError(message) from error
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


def _record(metadata: dict[str, str] | None, file: Path) -> dict[str, Any]:
    if not metadata or _RECORD not in metadata:
        message = f"{file} holds tensors, but no graph: it was not written by gn.graph.save."
        raise ValueError(message)
    record: dict[str, Any] = json.loads(metadata[_RECORD])
    if record["format"] > FORMAT:
        message = (
            f"{file} was written by grnet {record['grnet']} in format {record['format']}; this "
            f"grnet {__version__} reads up to {FORMAT}. Update grnet."
        )
        raise ValueError(message)
    return record
