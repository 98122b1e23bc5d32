"""Which letters a model's answer comes from."""

from dataclasses import KW_ONLY, dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
from torch import nn

from grnet import _checks
from grnet._alphabet import UNKNOWN, Codes
from grnet.dna.sample import dinucleotide_shuffle
from grnet.explain import _door, _gradients, _mutants
from grnet.explain._door import Target

Floats = npt.NDArray[np.float32]
Method = Literal["saturation_mutagenesis", "integrated_gradients", "input_x_gradient"]
_METHODS = ("saturation_mutagenesis", "integrated_gradients", "input_x_gradient")


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


def attributions(
    model: nn.Module,
    codes: Codes,
    *,
    target: Target = 0,
    method: Method = "saturation_mutagenesis",
    n_shuffles: int = 20,
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
        ``"integrated_gradients"`` follows the gradient from shuffles to the sequence;
        ``"input_x_gradient"`` takes the gradient at the sequence alone, and is fastest.
    n_shuffles
        Shuffles of each sequence that keep its pairs of neighbours, the baseline.
    batch_size, device
        For the model; ``"auto"`` takes CUDA where there is one.
    seed
        Of the shuffles.

    Returns
    -------
    Attributions
        ``hypothetical`` (N, 4, L), ``contributions`` (N, L), ``residual`` (N,): how far the
        contributions of a sequence are from its output minus that of its shuffles. It is near 0
        for integrated gradients; the other methods do not promise it.

    Raises
    ------
    ValueError
        If these are no codes, or the model has no such output or no gradient.

    Notes
    -----
    Integrated gradients (Sundararajan et al. 2017) by Captum. Only differences between letters of
    a position mean anything, so the mean over letters is taken out (Majdandzic et al. 2023).
    N contributes nothing.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> model = gn.models.SequenceCNN()
    >>> gn.explain.attributions(model, np.zeros((3, 40), dtype=np.uint8)).contributions.shape
    (3, 40)
    """
    _checks.one_of(method, _METHODS, "method")
    _checks.in_range(n_shuffles, 1, 1000, what="n_shuffles")
    _checks.in_range(batch_size, 1, 1 << 20, what="batch_size")
    rows = _door.checked(codes)
    shuffles = dinucleotide_shuffle(rows, n=n_shuffles, seed=seed)
    asked = _door.Question(model, target=target, device=device, batch_size=batch_size)
    outputs = asked.scores(len(rows), lambda index: rows[index])
    flat = shuffles.reshape(-1, rows.shape[1])
    references = asked.scores(len(flat), lambda index: flat[index]).reshape(shuffles.shape[:2])
    if method == "saturation_mutagenesis":
        values = _mutants.effects(asked, rows, outputs)
    elif method == "integrated_gradients":
        values = _gradients.integrated(asked, rows, shuffles)
    else:
        values = _gradients.at_the_sequence(asked, rows)
    values[(rows == UNKNOWN)[:, None].repeat(4, axis=1)] = 0
    return Attributions(
        values, rows, outputs=outputs, references=references.mean(axis=1), method=method
    )
