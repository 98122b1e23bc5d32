"""Contributions of groups of inputs that are taken away and put back."""

from functools import partial

import numpy as np
import torch
from captum.attr import FeatureAblation, ShapleyValueSampling

from grnet.explain._links import Links
from grnet.explain._path import batch_of_one
from grnet.explain._question import MESSAGES, Question

Tensors = tuple[torch.Tensor, ...]


def groups(asked: Question, edges: Links, *, strength: Tensors, n_single: int) -> Tensors:
    """Return the group of each input: the strongest alone, the others of a kind together.

    ``strength`` is shaped as the inputs. Both directions of an edge are one input.
    """
    keys, sizes = [], []
    for number, (name, values) in enumerate(zip(asked.parts, strength, strict=True)):
        flat = values.double().cpu().numpy().ravel()
        is_message = name == MESSAGES
        keys.append(np.abs(edges.sums(flat) if is_message else flat))
        rest = edges.kind + len(asked.parts) if is_message else np.full(flat.size, number)
        sizes.append(rest.astype(np.int64))
    label = np.concatenate(sizes)
    strongest = np.argsort(-np.concatenate(keys), kind="stable")[:n_single]
    label[strongest] = len(asked.parts) + len(edges.types) + np.arange(len(strongest))
    _, label = np.unique(label, return_inverse=True)
    bounds = np.cumsum([len(part) for part in sizes])[:-1]
    masks = []
    for name, values, own in zip(asked.parts, strength, np.split(label, bounds), strict=True):
        numbers = own[edges.of_message] if name == MESSAGES else own
        masks.append(torch.from_numpy(numbers.reshape(values.shape)).to(values.device))
    return tuple(masks)


def occlusion(asked: Question, baselines: Tensors, masks: Tensors) -> Tensors:
    """Return what the logit loses without each group, shared out among its inputs."""
    with torch.no_grad():
        values = FeatureAblation(partial(batch_of_one, asked)).attribute(
            _batch(asked.inputs), baselines=_batch(baselines), feature_mask=_batch(masks)
        )
    return _shared(values, masks)


def shapley(
    asked: Question, baselines: Tensors, masks: Tensors, *, n_samples: int, seed: int
) -> Tensors:
    """Return mean gains of the groups in random orders, shared out among their inputs."""
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(seed)
        values = ShapleyValueSampling(partial(batch_of_one, asked)).attribute(
            _batch(asked.inputs),
            baselines=_batch(baselines),
            feature_mask=_batch(masks),
            n_samples=n_samples,
        )
    return _shared(values, masks)


def _batch(parts: Tensors) -> Tensors:
    return tuple(part[None] for part in parts)


def _shared(values: Tensors, masks: Tensors) -> Tensors:
    """Divide the value of a group equally: Captum gives each of its inputs the whole."""
    counts = torch.bincount(torch.cat([mask.ravel() for mask in masks]))
    return tuple(value[0] / counts[mask] for value, mask in zip(values, masks, strict=True))
