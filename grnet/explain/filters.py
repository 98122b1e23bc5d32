"""The filters of a model's first layer, read as motifs."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from grnet import _checks
from grnet._alphabet import Codes
from grnet._progress import progress
from grnet.dna import one_hot
from grnet.explain import _door, _matrices
from grnet.io.motifs import Motif
from grnet.models.prediction import evaluating

_BATCH = 512


class _Filters:
    """A first layer, and what normalises it; both strands where the model reads both."""

    def __init__(self, model: nn.Module, layer: str | None) -> None:
        self.conv, norm = _found(model, layer)
        self.norm = norm if norm is not None else nn.Identity()
        self.both = bool(getattr(getattr(model, "config", None), "reverse_complement", False))

    def __call__(self, hot: torch.Tensor) -> torch.Tensor:
        """Return activations (N, F, places) of whole windows."""
        raw = functional.conv1d(hot, self.conv.weight, self.conv.bias)
        activations: torch.Tensor = self.norm(raw)
        return activations

    def strands(self, hot: torch.Tensor) -> list[torch.Tensor]:
        return [hot, hot.flip(1, 2)] if self.both else [hot]


def filter_motifs(
    model: nn.Module,
    codes: Codes,
    *,
    layer: str | None = None,
    threshold: float = 0.5,
    min_sites: int = 10,
    device: str = "auto",
) -> list[Motif]:
    """Turn the filters of a model's first layer into motifs.

    Parameters
    ----------
    model
        Any module with a convolution that reads the four letters. Its mode and device are left as
        they are found.
    codes
        uint8 (N, L): sequences to look for windows in, best those that the model was made for.
    layer
        Name of the convolution; by default the first that reads four channels.
    threshold
        A window counts if it activates the filter by more than this share of the highest
        activation.
    min_sites
        Windows of which a motif is made, at least; a filter with fewer is left out.
    device
        ``"auto"`` takes CUDA where there is one.

    Returns
    -------
    list of Motif
        ``filter_0``, ``filter_1``, ... in the order of the filters; ``n_sites`` windows each.

    Raises
    ------
    ValueError
        If there is no such layer, or the sequences are shorter than its filters.

    Notes
    -----
    As in DeepBind (Alipanahi et al. 2015) and Basset (Kelley et al. 2016). Activations are those
    behind the normalisation, if one follows the convolution. Where the model reads both strands,
    so does this. A deep model spreads a motif over several filters: see
    :func:`seqlet_motifs` for whole ones.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> import grnet as gn
    >>> layer = torch.nn.Conv1d(4, 1, 7)
    >>> site = gn.dna.to_codes("TGACTCA")
    >>> _ = layer.weight.data.copy_(torch.from_numpy(gn.dna.one_hot(site)))
    >>> codes = np.random.default_rng(0).integers(4, size=(200, 60), dtype=np.uint8)
    >>> codes[:100, 20:27] = site
    >>> gn.explain.filter_motifs(torch.nn.Sequential(layer), codes, threshold=0.8)[0].consensus
    'TGACTCA'
    """
    _checks.in_range(threshold, 0, 1, what="threshold")
    rows = _door.checked(codes)
    filters = _Filters(model, layer)
    width = int(filters.conv.kernel_size[0])
    if rows.shape[1] < width:
        message = (
            f"The sequences have {rows.shape[1]} bases, but the filters are {width} wide: pass "
            "longer sequences."
        )
        raise ValueError(message)
    with evaluating(model, device=device) as where:
        counts, sites = _counted(filters, rows, threshold=threshold, where=where)
    return [
        _matrices.motif(f"filter_{i}", counts[i], n_sites=float(n))
        for i, n in enumerate(sites)
        if n >= max(min_sites, 1)
    ]


def _counted(
    filters: _Filters, codes: Codes, *, threshold: float, where: torch.device
) -> tuple[np.ndarray, np.ndarray]:
    """Return the letters in the windows that activate each filter (F, 4, width), and how many."""
    blocks = [
        torch.from_numpy(codes[start : start + _BATCH]) for start in range(0, len(codes), _BATCH)
    ]
    shape = filters.conv.weight.shape
    highest = torch.zeros(shape[0], device=where)
    for block in progress(blocks, "activations", total=len(blocks)):
        for hot in filters.strands(one_hot(block.to(where))):
            highest = torch.maximum(highest, filters(hot).amax((0, 2)))
    counts = torch.zeros(shape, dtype=torch.float64, device=where)
    sites = torch.zeros(shape[0], dtype=torch.float64, device=where)
    for block in progress(blocks, "windows", total=len(blocks)):
        for hot in filters.strands(one_hot(block.to(where))):
            found = filters(hot)
            # a filter that never rises above 0 is silent behind its ReLU
            active = ((found > threshold * highest[:, None]) & (found > 0)).float()
            sites += active.sum((0, 2))
            for i in range(shape[2]):
                letters = hot[:, :, i : i + active.shape[2]]
                counts[:, :, i] += torch.einsum("nfp,nbp->fb", active, letters)
    return counts.cpu().numpy(), sites.cpu().numpy()


def _found(model: nn.Module, layer: str | None) -> tuple[nn.Conv1d, nn.BatchNorm1d | None]:
    """Return the convolution that reads letters, and the normalisation right behind it."""
    modules = [(name, m) for name, m in model.named_modules() if not list(m.children())]
    reads = [
        i
        for i, (name, m) in enumerate(modules)
        if isinstance(m, nn.Conv1d) and m.in_channels == 4 and layer in {None, name}
    ]
    conv = modules[reads[0]][1] if reads else None
    if not isinstance(conv, nn.Conv1d) or conv.dilation != (1,) or conv.groups != 1:
        seen = [f"{name or 'the model'}: {m}" for name, m in modules if isinstance(m, nn.Conv1d)]
        asked = "no layer" if layer is None else f"no layer {layer!r}"
        message = (
            f"The model has {asked} that reads four letters (a Conv1d of 4 channels, not dilated, "
            f"in one group). Its Conv1d layers: {', '.join(seen) or 'none'}."
        )
        raise ValueError(message)
    behind = modules[reads[0] + 1][1] if reads[0] + 1 < len(modules) else None
    is_norm = isinstance(behind, nn.BatchNorm1d) and behind.num_features == conv.out_channels
    return conv, behind if is_norm and isinstance(behind, nn.BatchNorm1d) else None
