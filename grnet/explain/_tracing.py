"""What happens inside a model while it reads: its modules, functions and gradients."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

ATTENTION = ("scaled_dot_product_attention", "multi_head_attention_forward")

_BENT = """
relu relu6 leaky_relu rrelu prelu elu selu celu gelu silu mish glu sigmoid hardsigmoid hardswish
logsigmoid tanh hardtanh softplus softsign threshold softmax softmin log_softmax logsumexp exp
exp2 expm1 log log2 log10 log1p sqrt rsqrt square reciprocal abs sin cos erf clamp clamp_min
clamp_max clip amax amin aminmax max min maximum minimum fmax fmin max_pool1d
max_pool1d_with_indices adaptive_max_pool1d topk sort median kthvalue cummax layer_norm group_norm
instance_norm rms_norm normalize norm prod cumprod var std pow float_power lstm gru rnn_tanh
rnn_relu
"""
_PRODUCTS = "mul multiply matmul bmm einsum div divide true_divide tensordot inner baddbmm"
BENT = frozenset((*_BENT.split(), *ATTENTION))
"""Functions that are no straight lines."""

PRODUCTS = frozenset(_PRODUCTS.split())
"""Functions that are straight in each argument, and bent where two depend on the input."""


@dataclass
class Record:
    """What was seen of one module."""

    calls: int = 0
    bent: list[str] = field(default_factory=list)
    attends: bool = False
    has_gradient: bool = False


class _Listener(TorchFunctionMode):
    """Writes down the functions that each module calls by itself."""

    def __init__(self, records: dict[nn.Module, Record], running: list[nn.Module]) -> None:
        super().__init__()
        self._records, self._running = records, running

    def __torch_function__(  # noqa: PLR0917 - torch's own protocol
        self,
        func: Callable[..., Any],
        types: Any,  # noqa: ANN401
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        name = str(getattr(func, "__name__", "")).strip("_")
        if self._running:
            record = self._records[self._running[-1]]
            record.attends |= name in ATTENTION
            moving = sum(part.requires_grad for part in _tensors((args, kwargs)))
            bends = (name in BENT and moving) or (name in PRODUCTS and moving > 1)
            if bends and name not in record.bent:
                record.bent.append(name)
        return func(*args, **(kwargs or {}))


def traced(model: nn.Module, read: torch.Tensor) -> dict[nn.Module, Record]:
    """Let a model read once and return what was seen of each of its modules.

    The model's weights must be fixed, so that gradients tell what depends on what it reads.
    """
    records = {module: Record() for module in model.modules()}
    running: list[nn.Module] = []
    with _watched(records, running), _Listener(records, running):
        model(read)
    return records


@contextmanager
def _watched(records: dict[nn.Module, Record], running: list[nn.Module]) -> Iterator[None]:
    def enter(module: nn.Module, _: Any) -> None:  # noqa: ANN401
        records[module].calls += 1
        running.append(module)

    def leave(module: nn.Module, _: Any, outputs: Any) -> None:  # noqa: ANN401
        running.pop()
        records[module].has_gradient |= any(part.requires_grad for part in _tensors(outputs))

    with ExitStack() as stack:
        for module in records:
            stack.callback(module.register_forward_pre_hook(enter).remove)
            stack.callback(module.register_forward_hook(leave).remove)
        yield


def _tensors(found: Any) -> Iterator[torch.Tensor]:  # noqa: ANN401 (any arguments, any outputs)
    if isinstance(found, torch.Tensor):
        yield found
    elif isinstance(found, tuple | list):
        for part in found:
            yield from _tensors(part)
    elif isinstance(found, dict):
        yield from _tensors(list(found.values()))
