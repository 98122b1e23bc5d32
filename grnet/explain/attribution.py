"""Which letters a model's answer comes from."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field

import numpy as np
import numpy.typing as npt
from torch import nn

from grnet import _checks
from grnet._alphabet import UNKNOWN, Codes
from grnet.explain import _attention, _deeplift, _door, _gradients, _mutants
from grnet.explain._door import Target
from grnet.explain._job import Job, Method, answered

Floats = npt.NDArray[np.float32]

_METHODS: dict[str, Callable[[Job], Floats]] = {
    "saturation_mutagenesis": _mutants.effects,
    "integrated_gradients": _gradients.integrated,
    "deeplift_shap": _deeplift.contributions,
    "gradient_shap": _gradients.at_random_points,
    "input_x_gradient": _gradients.at_the_sequence,
    "saliency": _gradients.size_of_gradient,
    "feature_ablation": _mutants.ablations,
    "attention_rollout": _attention.rolled_out,
}
_UNSIGNED = frozenset({"saliency", "attention_rollout"})
"""They say how much, not in which direction, and are compared with nothing."""


@dataclass(frozen=True, eq=False)
class Attributions:
    """What each letter of each sequence contributes to one output of a model.

    Parameters
    ----------
    hypothetical
        (N, 4, L): what each of the four letters would contribute at each position.
    codes
        (N, L): the letters that are there.
    outputs
        (N,): the model's output, a logit for classifiers.
    references
        (N,): its mean output for shuffles of the same sequence.
    method
        How they were computed.

    Raises
    ------
    ValueError
        If the shapes do not fit together.

    Examples
    --------
    >>> import numpy as np
    >>> import grnet as gn
    >>> codes = gn.dna.to_codes(["ACN"])
    >>> found = gn.explain.Attributions(np.arange(12, dtype=np.float32).reshape(1, 4, 3), codes)
    >>> found.contributions
    array([[0., 4., 0.]], dtype=float32)
    """

    hypothetical: Floats
    codes: Codes
    _: KW_ONLY
    outputs: npt.NDArray[np.float64] = field(default_factory=lambda: np.array(np.nan))
    references: npt.NDArray[np.float64] = field(default_factory=lambda: np.array(np.nan))
    method: str = "unknown"

    def __post_init__(self) -> None:
        values = np.asarray(self.hypothetical, dtype=np.float32)
        codes = _door.checked(self.codes)
        if values.shape != (len(codes), 4, codes.shape[1]):
            message = (
                f"Attributions of shape {values.shape} do not belong to codes of shape "
                f"{codes.shape}: expected {(len(codes), 4, codes.shape[1])}."
            )
            raise ValueError(message)
        object.__setattr__(self, "hypothetical", values)
        object.__setattr__(self, "codes", codes)
        for name in ("outputs", "references"):
            whole = np.broadcast_to(getattr(self, name), len(codes))
            object.__setattr__(self, name, whole)

    def __repr__(self) -> str:
        """Return the method, the shape, and how much is left unexplained."""
        left = np.nanmedian(np.abs(self.residual)) if np.isfinite(self.residual).any() else np.nan
        n, _, length = self.hypothetical.shape
        return f"Attributions({self.method!r}, {n} x {length}, median |residual| {left:.3g})"

    @property
    def contributions(self) -> Floats:
        """(N, L): what the letters that are there contribute; 0 at N."""
        known = np.minimum(self.codes, 3)[:, None].astype(np.intp)
        taken = np.take_along_axis(self.hypothetical, known, axis=1)[:, 0]
        return np.where(self.codes < UNKNOWN, taken, np.float32(0))

    @property
    def residual(self) -> npt.NDArray[np.float64]:
        """(N,): output minus reference minus all contributions; 0 where they explain all."""
        total = self.contributions.sum(axis=1, dtype=np.float64)
        return np.asarray(self.outputs - self.references - total)


def attributions(  # noqa: PLR0913 - one door for all methods, with what each can be told
    model: nn.Module,
    codes: Codes,
    *,
    target: Target = 0,
    method: Method = "saturation_mutagenesis",
    n_shuffles: int = 20,
    width: int = 10,
    tolerance: float | None = 0.01,
    max_steps: int = 1024,
    batch_size: int = 512,
    device: str = "auto",
    seed: int = 0,
) -> Attributions:
    """Compute what each letter contributes to a model's output.

    Parameters
    ----------
    model
        Any module that reads uint8 codes (N, L) or floats (N, 4, L) and returns raw outputs
        (logits, not probabilities). Its mode and device are left as they are found.
    codes
        uint8 (N, L).
    target
        Which output: the number of a task (for profiles of its total; per base the mean over
        positions), or a function from the model's outputs to one number per sequence.
    method
        ``"saturation_mutagenesis"`` puts every letter at every position, and needs no gradients;
        ``"feature_ablation"`` gives windows the letters of shuffles, and needs none either.
        ``"integrated_gradients"`` follows the gradient from shuffles to the sequence,
        ``"gradient_shap"`` takes it at random points in between; ``"deeplift_shap"`` takes finite
        differences layer by layer, is fast, and needs a model that it sees through
        (:func:`audit_modules`). ``"input_x_gradient"`` takes the gradient at the sequence alone.
        ``"saliency"``, its absolute value, and ``"attention_rollout"``, the share of each base in
        what a transformer has read, are unsigned.
    n_shuffles
        Shuffles of each sequence that keep its pairs of neighbours, the baseline.
    width
        Of the windows of feature ablation.
    tolerance
        How far contributions may be from adding up, as a share of output minus reference; None
        for any. Integrated gradients take more steps until they are within it.
    max_steps
        The most points on the way from a shuffle to the sequence, for integrated gradients.
    batch_size, device
        For the model; ``"auto"`` takes CUDA where there is one.
    seed
        Of the shuffles and of random points.

    Returns
    -------
    Attributions
        ``hypothetical`` (N, 4, L), ``contributions`` (N, L), ``residual`` (N,): how far the
        contributions of a sequence are from its output minus that of its shuffles; NaN for
        unsigned methods.

    Raises
    ------
    ValueError
        If these are no codes, the model has no such output or no gradient, a module is hidden from
        the method, or contributions do not add up.

    Notes
    -----
    Captum computes all but mutagenesis and roll-out. Completeness is promised for each sequence by
    integrated gradients (Sundararajan et al. 2017) and DeepLIFT (Shrikumar et al. 2017), with the
    tolerance or .001 of the mean difference to single shuffles, whichever is more; by gradient SHAP
    (Erion et al. 2021) in the mean over all draws. Only differences between letters of a position
    mean anything, so the mean over letters is taken out (Majdandzic et al. 2023). N contributes
    nothing. Feature ablation, roll-out, and integrated gradients of a transformer, which follow the
    vectors of its k-mers, say nothing of letters that are not there: these get 0. A word shares its
    credit among its bases, and overlapping words add up. Roll-out (Abnar and Zuidema 2020) knows
    attention only, of no output in particular.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> model = gn.models.SequenceCNN()
    >>> gn.explain.attributions(model, np.zeros((3, 40), dtype=np.uint8)).contributions.shape
    (3, 40)
    """
    _checks.one_of(method, tuple(_METHODS), "method")
    _checks.whole(n_shuffles, 1, 1000, what="n_shuffles")
    _checks.whole(batch_size, 1, 1 << 20, what="batch_size")
    _checks.whole(width, 1, 1 << 20, what="width")
    _checks.whole(max_steps, 1, 1 << 16, what="max_steps")
    if tolerance is not None:
        _checks.in_range(tolerance, 1e-6, 1.0, what="tolerance")
    rows = _door.checked(codes)
    asked = _door.Question(model, target=target, device=device, batch_size=batch_size)
    compared = 0 if method in _UNSIGNED else n_shuffles
    shuffles, outputs, references = answered(asked, rows, n_shuffles=compared, seed=seed)
    job = Job(
        asked,
        codes=rows,
        shuffles=shuffles,
        outputs=outputs,
        references=references,
        tolerance=tolerance,
        max_steps=max_steps,
        width=width,
        seed=seed,
    )
    values = _METHODS[method](job)
    values[(rows == UNKNOWN)[:, None].repeat(4, axis=1)] = 0
    return Attributions(
        values, rows, outputs=outputs, references=references.mean(axis=1), method=method
    )
