"""Features of nodes: named columns, standardised, with what leads back to their own units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from grnet import _checks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch_geometric.data import HeteroData

    from grnet.graph._profiles import Profiles
    from grnet.io.genome import Genome

Array = np.ndarray[Any, Any]

MEASURED = "measured"


def features(data: HeteroData, node_type: str) -> pd.DataFrame:
    """Return the features of a type of nodes in their own units.

    Parameters
    ----------
    data
        A graph made by :func:`build`.
    node_type
        ``"gene"``, ``"tf"`` or ``"peak"``.

    Returns
    -------
    A row per node, indexed by its name. Missing values show as the mean.

    Raises
    ------
    ValueError
        If there is no such type, or its features have no names.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> data = gn.graph.build(adata, tfs=adata.var_names[adata.var["is_tf"]], n_components=4)
    >>> gn.graph.features(data, "gene").columns.tolist()[3:]
    ['expression_4', 'mean', 'detected']
    """
    _checks.one_of(node_type, data.node_types, "type of node")
    store = data[node_type]
    missing = [key for key in ("x", "name", "feature_names") if key not in store]
    if missing:
        message = (
            f"The nodes {node_type!r} have no {_checks.examples(missing)}: "
            "gn.graph.build makes graphs with named features."
        )
        raise ValueError(message)
    values = store.x.detach().cpu().numpy().astype(np.float64)
    if "feature_scale" in store:
        values = values * store.feature_scale.cpu().numpy() + store.feature_mean.cpu().numpy()
    return pd.DataFrame(
        values, index=pd.Index(store.name, name="name"), columns=store.feature_names
    )


def of_variables(profiles: Profiles, *, prefix: str, detected: str) -> pd.DataFrame:
    """Return what the cells say of each gene or peak; columns of the profile come first."""
    k = profiles.components.shape[1]
    columns = [f"{prefix}_{i}" for i in range(1, k + 1)]
    frame = pd.DataFrame(profiles.components, columns=columns)
    frame["mean"] = profiles.mean
    return frame.assign(**{detected: profiles.detected})


def of_tfs(genes: pd.DataFrame, position: Array) -> pd.DataFrame:
    """Return the features of the genes of the TFs; NaN where a TF is not measured (-1)."""
    frame = genes.reindex(position).reset_index(drop=True)
    return frame.assign(**{MEASURED: (position >= 0).astype(np.float64)})


def of_peaks(
    regions: pd.DataFrame, genome: Genome | None, tracks: Mapping[str, pd.Series[Any]]
) -> pd.DataFrame:
    """Return length, GC and the tracks (methylation, signals) of each peak."""
    length = (regions["end"] - regions["start"]).to_numpy(np.float64)
    frame = pd.DataFrame({"log_length": np.log1p(length)})
    if genome is not None:
        frame["gc"] = genome.gc(regions)
    for name, track in tracks.items():
        frame[name] = track.to_numpy(np.float64)
        known = frame[name].notna()
        if not known.all():
            frame[f"{name}_known"] = known.astype(np.float64)
    return frame


def tracks_of(
    table: pd.Series[Any] | pd.DataFrame, regions: pd.Index, *, what: str
) -> pd.DataFrame:
    """Return the columns of a table indexed by peak, in the order of the peaks.

    Raises
    ------
    ValueError
        If no peak is in the table, or a peak is there twice.
    """
    frame = table.to_frame(table.name or what) if isinstance(table, pd.Series) else table
    _checks.unique(frame.index, f"peaks of {what}")
    if not frame.index.isin(regions).any():
        message = (
            f"{what} knows none of the {len(regions)} peaks: its index has "
            f"{_checks.examples(frame.index)}, the peaks are {_checks.examples(regions)}. "
            "Index it by the names of the peaks."
        )
        raise ValueError(message)
    aligned = frame.reindex(regions)
    numbers: pd.DataFrame = aligned.apply(pd.to_numeric, errors="coerce").replace(
        [np.inf, -np.inf], np.nan
    )
    empty = numbers.columns[numbers.isna().all()]
    if len(empty):
        message = f"{what} has no number in {_checks.examples(empty)}: drop the column(s)."
        raise ValueError(message)
    return numbers


def attach(store: Any, frame: pd.DataFrame, *, n_profile: int, like: Any = None) -> None:  # noqa: ANN401
    """Write ``x`` and what belongs to it: columns of mean 0 and variance 1, missing values 0.

    The profile (its first columns) keeps its geometry: one scale for all of it. ``like`` takes mean
    and scale of the columns of another store, so that TFs and genes are in one space.
    """
    raw = frame.to_numpy(np.float64)
    mean, scale = _location(raw, n_profile)
    if like is not None:
        n_shared = len(like.feature_names)
        mean[:n_shared] = like.feature_mean.numpy()
        scale[:n_shared] = like.feature_scale.numpy()
        mean[n_shared:], scale[n_shared:] = 0.0, 1.0
    x = np.nan_to_num((raw - mean) / scale, nan=0.0)
    store.x = torch.from_numpy(x.astype(np.float32))
    store.feature_names = [str(column) for column in frame.columns]
    store.feature_mean = torch.from_numpy(mean.astype(np.float32))
    store.feature_scale = torch.from_numpy(scale.astype(np.float32))


def append_features(store: Any, values: torch.Tensor, *, prefix: str) -> None:  # noqa: ANN401
    """Write further features, as they are, behind those of a store: ``prefix_1`` and so on."""
    n = values.shape[1]
    store.x = torch.cat([store.x, values], dim=1)
    store.feature_names = [*store.feature_names, *(f"{prefix}{i}" for i in range(1, n + 1))]
    if "feature_mean" in store:
        store.feature_mean = torch.cat([store.feature_mean, torch.zeros(n)])
        store.feature_scale = torch.cat([store.feature_scale, torch.ones(n)])


def sequence_windows(regions: pd.DataFrame, genome: Genome, width: int) -> torch.Tensor:
    """Return the codes of a window around the centre of each peak; N where there is no sequence."""
    found = _harmonised(regions, genome)
    codes = np.full((len(regions), width), 4, dtype=np.uint8)
    codes[found.index.to_numpy()] = genome.sequence(found, width=width)
    return torch.from_numpy(codes)


def _location(raw: Array, n_profile: int) -> tuple[Array, Array]:
    """Return what to subtract from each column and what to divide it by."""
    n_columns = raw.shape[1]
    mean, scale = np.zeros(n_columns), np.ones(n_columns)
    rest = raw[:, n_profile:]
    if len(raw):
        mean[n_profile:] = np.nanmean(rest, axis=0)
        scale[n_profile:] = np.nanstd(rest, axis=0)
        profile = raw[:, :n_profile]
        scale[:n_profile] = np.sqrt(np.nanmean(profile**2)) if n_profile else 1.0
    constant = scale <= 1e-9 * np.maximum(np.abs(mean), 1.0)
    return mean, np.where(constant, 1.0, scale)


def _harmonised(regions: pd.DataFrame, genome: Genome) -> pd.DataFrame:
    """Return the peaks on chromosomes of the genome; the index is their position."""
    found: pd.DataFrame = genome.harmonise(regions.reset_index(drop=True), what="the peaks")
    return found
