"""Which modules of a model are hidden from a method of attribution, and why."""

import copy
from collections.abc import Iterator

import torch
from torch import nn

from grnet._alphabet import Codes
from grnet.dna import one_hot
from grnet.explain import _door
from grnet.explain._job import Method
from grnet.explain._tracing import Record, traced
from grnet.explain._visible import (
    RESCALED,
    BestSites,
    BothStrands,
    VisibleGlobalPool,
    VisibleMaxPool,
    original_name,
    visible,
)
from grnet.explain._words import reads_words

_STRAIGHT = (
    nn.Linear,
    nn.Conv1d,
    nn.ConvTranspose1d,
    nn.BatchNorm1d,
    nn.AvgPool1d,
    nn.AdaptiveAvgPool1d,
    nn.ConstantPad1d,
    nn.ZeroPad1d,
    nn.Flatten,
    nn.Unflatten,
    nn.Identity,
    nn.Dropout,
    nn.Dropout1d,
    nn.Upsample,
)
"""Linear in evaluation mode."""

_Verdict = tuple[str, str]


def refuse_hidden(model: nn.Module, codes: Codes, method: Method, *, where: torch.device) -> None:
    """Raise if a module is hidden from a method; inside a block with gradients.

    Raises
    ------
    ValueError
        If there is one, with its name and the methods to use instead.
    """
    found = verdicts(model, codes, method, where=where, direct=False)
    hidden = [row for row in found if row[2] == "hidden"]
    if not hidden:
        return
    shown = "; ".join(f"{name or 'the model'} ({kind}): {why}" for name, kind, _, why in hidden[:3])
    more = f"; and {len(hidden) - 3} more" if len(hidden) > 3 else ""
    message = (
        f"method={method!r} cannot see through {shown}{more}. Use "
        "method='integrated_gradients' or 'saturation_mutagenesis'; gn.explain.audit_modules lists "
        "all modules."
    )
    raise ValueError(message)


def verdicts(
    model: nn.Module, codes: Codes, method: Method, *, where: torch.device, direct: bool
) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, type, verdict and reason of every module that is used."""
    if method == "deeplift_shap":
        studied = visible(model)
    else:
        studied = copy.deepcopy(model).requires_grad_(requires_grad=False)
    read = torch.from_numpy(codes).to(where)
    if method == "attention_rollout":
        records = traced(studied, read if direct else one_hot(read))
    else:
        try:
            records = traced(studied, one_hot(read).requires_grad_())
        except _door.REFUSALS:  # a model of codes alone
            records = traced(studied, read)
    kinds = {name: type(module).__name__ for name, module in model.named_modules()}
    for name, module in studied.named_modules():
        original = original_name(name)
        if records[module].calls and original in kinds:
            verdict = _verdict(module, records[module], method)
            if method == "integrated_gradients" and reads_words(model):
                verdict = "seen", "followed from the vectors of words on"
            yield original, kinds[original], *verdict


def _verdict(module: nn.Module, record: Record, method: Method) -> _Verdict:
    if method in {"saturation_mutagenesis", "feature_ablation"}:
        return "seen", "only outputs are asked for"
    if method == "attention_rollout":
        return _by_attention(module, record)
    if method == "deeplift_shap":
        return _by_deeplift(module, record)
    if record.has_gradient:
        return "seen", "its output has a gradient by the letters"
    return "hidden", "its output has no gradient by the letters"


def _by_attention(module: nn.Module, record: Record) -> _Verdict:
    if record.attends:
        return "seen", "its attention is followed"
    if next(module.children(), None) is not None:
        return "seen", "made of the modules below"
    return "hidden", "roll-out follows attention alone"


def _by_deeplift(module: nn.Module, record: Record) -> _Verdict:
    has_rule = type(module) in RESCALED
    bent, calls = ", ".join(record.bent), record.calls
    cases = (
        (not record.has_gradient, "hidden", "its output has no gradient by the letters"),
        (isinstance(module, VisibleMaxPool | VisibleGlobalPool), "seen", "maxima have a rule"),
        (has_rule and calls > 1, "hidden", f"used {calls} times; each use wants its own module"),
        (has_rule, "seen", "has a rule"),
        (isinstance(module, _STRAIGHT), "seen", "linear"),
        (type(module) is nn.Softmax, "hidden", "its rule in Captum's DeepLIFT does not add up"),
        (_is_of_torch(module), "hidden", "has no rule in Captum's DeepLIFT"),
        (bool(bent), "hidden", f"calls {bent} outside of a module"),
        (isinstance(module, BothStrands | BestSites), "seen", "both strands are read at once"),
        (True, "seen", "calls no function that is known to bend"),
    )
    return next((verdict, why) for holds, verdict, why in cases if holds)


def _is_of_torch(module: nn.Module) -> bool:
    """Tell a layer of torch from its containers and from what others wrote."""
    is_container = isinstance(module, nn.Sequential | nn.ModuleList | nn.ModuleDict)
    return type(module).__module__.startswith("torch.nn.") and not is_container
