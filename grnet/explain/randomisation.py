"""Models whose weights say nothing, to see what an explanation owes to the training."""

import copy

import torch
from torch import nn


def redrawn(model: nn.Module, *, seed: int = 0) -> nn.Module:
    """Return a copy of a model whose weights are drawn anew, as before any training.

    Parameters
    ----------
    model
        Any module; it is left as it is.
    seed
        Of the weights.

    Returns
    -------
    Module
        Of the same settings. Parameters that no module of it can draw are shuffled.

    Notes
    -----
    Contributions that hardly change with the weights say what the graph looks like, not what the
    model has learnt (Adebayo et al. 2018): compare them by :meth:`GraphAttributions.agreement`.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> data = gn.graph.build(adata, known=adata.uns["grnet_truth"], n_components=4)
    >>> model = gn.models.EdgeModel(gn.models.EdgeModelConfig.of(data))
    >>> other = gn.explain.redrawn(model, seed=1)
    >>> bool((other.together[0].weight != model.together[0].weight).all())
    True
    """
    fresh = copy.deepcopy(model)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        before = {name: value.detach().clone() for name, value in fresh.named_parameters()}
        drawn: set[int] = set()
        for module in fresh.modules():
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()
                drawn.update(id(value) for value in module.parameters())
        for name, value in fresh.named_parameters():
            if id(value) not in drawn:
                shuffled = before[name].flatten()[torch.randperm(value.numel())]
                value.data.copy_(shuffled.view_as(value))
    return fresh
