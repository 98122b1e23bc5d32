"""What is to be explained, what it is compared with, and how far off the sum may be."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from grnet._alphabet import Codes
from grnet.dna.sample import dinucleotide_shuffle
from grnet.explain._door import Question

Method = Literal[
    "saturation_mutagenesis",
    "integrated_gradients",
    "deeplift_shap",
    "gradient_shap",
    "input_x_gradient",
    "saliency",
    "feature_ablation",
    "attention_rollout",
]
Doubles = npt.NDArray[np.float64]

AIM, FLOOR = 1e-4, 1e-3
"""Parts of the mean difference between a sequence and its single shuffles: below the first nothing
is asked for, below the second nothing is promised."""


@dataclass(frozen=True)
class Job:
    """Sequences and their shuffles, what the model says of both, and what the methods are told."""

    asked: Question
    codes: Codes
    shuffles: Codes
    outputs: Doubles
    references: Doubles
    tolerance: float | None
    max_steps: int
    width: int
    seed: int

    @property
    def gaps(self) -> Doubles:
        """(N, n): the output of each sequence minus that of each of its shuffles."""
        return np.asarray(self.outputs[:, None] - self.references)

    def limits(self, floor: float) -> Doubles:
        """Return the largest residuals that are tolerated, (N,); infinite where none is checked."""
        if self.tolerance is None:
            return np.full(len(self.codes), np.inf)
        gaps = self.gaps
        size = np.abs(self.outputs) + np.abs(self.references).mean(axis=1)
        rounding = 8 * np.finfo(np.float32).eps * size
        asked = self.tolerance * np.abs(gaps.mean(axis=1))
        return np.asarray(np.maximum(asked, floor * np.abs(gaps).mean(axis=1)) + rounding)


def answered(
    asked: Question, codes: Codes, *, n_shuffles: int, seed: int
) -> tuple[Codes, Doubles, Doubles]:
    """Return shuffles (N, n, L), and what the model says of the sequences and of these."""
    outputs = asked.scores(len(codes), lambda index: codes[index], exact=True)
    if not n_shuffles:
        return codes[:, None][:, :0], outputs, np.full((len(codes), 1), np.nan)
    shuffles = dinucleotide_shuffle(codes, n=n_shuffles, seed=seed)
    flat = shuffles.reshape(-1, codes.shape[1])
    references = asked.scores(len(flat), lambda index: flat[index], exact=True)
    return shuffles, outputs, references.reshape(shuffles.shape[:2])


def check_complete(job: Job, totals: Doubles, *, advice: str) -> None:
    """Raise if the contributions of a sequence, (N,) in all, are not what they explain.

    Raises
    ------
    ValueError
        If they miss it by more than the tolerance.
    """
    gap = job.gaps.mean(axis=1)
    left = np.abs(gap - totals)
    limits = job.limits(FLOOR)
    above = ~(left <= limits)
    if job.tolerance is None or not above.any():
        return
    worst = int(np.argmax(np.where(above, left / limits, -np.inf)))
    message = (
        f"The contributions of {above.sum()} of {len(left)} sequences do not add up to output "
        f"minus reference. Worst is sequence {worst}: {left[worst]:.3g} of {gap[worst]:.3g} is "
        f"left over, more than the tolerance of {100 * job.tolerance:g} %. {advice} "
        "tolerance=None skips the check."
    )
    raise ValueError(message)
