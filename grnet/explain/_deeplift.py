"""DeepLIFT against shuffles, by Captum, for models that it sees through."""

import warnings

import numpy as np
import numpy.typing as npt
import torch
from captum.attr import DeepLift
from torch import Tensor, nn

from grnet._progress import progress
from grnet.dna import one_hot
from grnet.explain._door import Question, numbers
from grnet.explain._gradients import from_baseline, sums
from grnet.explain._hidden import refuse_hidden
from grnet.explain._job import Job, check_complete
from grnet.explain._visible import TINY, visible

Floats = npt.NDArray[np.float32]


def contributions(job: Job) -> Floats:
    """Return DeepLIFT's hypothetical contributions, mean over the shuffles, (N, 4, L).

    What Captum calls DeepLiftShap compares all inputs with the same baselines; here each sequence
    has its own shuffles.
    """
    n, n_shuffles, length = job.shuffles.shape
    values = np.zeros((n, 4, length), dtype=np.float32)
    size = max(job.asked.batch_size // 2, 1)
    with job.asked.differentiated(job.codes) as where:
        refuse_hidden(job.asked.model, job.codes[:1], "deeplift_shap", where=where)
        answer = Answer(job.asked)
        starts = range(0, n * n_shuffles, size)
        for start in progress(starts, "propagating", total=len(starts)):
            row, nth = np.divmod(np.arange(start, min(start + size, n * n_shuffles)), n_shuffles)
            pair = (job.codes[row], job.shuffles[row, nth])
            hot, baseline = (one_hot(torch.from_numpy(part).to(where)) for part in pair)
            np.add.at(
                values,
                row,
                multiplied(answer, hot.requires_grad_(), baseline) / np.float32(n_shuffles),
            )
    advice = (
        "DeepLIFT misses a function that bends outside of modules, perhaps in the target; "
        "gn.explain.audit_modules tells what it sees. Use method='integrated_gradients'."
    )
    check_complete(job, sums(values, job.codes), advice=advice)
    return values


class Answer(nn.Module):
    """A visible copy of a model that answers with the number meant."""

    def __init__(self, asked: Question) -> None:
        super().__init__()
        self.within = visible(asked.model)
        self.target = asked.target

    def forward(self, hot: Tensor) -> Tensor:
        """Return one number per sequence."""
        return numbers(self.within(hot), self.target)


def multiplied(answer: Answer, hot: Tensor, baseline: Tensor) -> Floats:
    """Return hypothetical contributions of sequences against one baseline each."""
    with warnings.catch_warnings():
        # Captum announces its hooks; they are on our copy
        warnings.filterwarnings("ignore", message="Setting forward, backward hooks")
        found = DeepLift(answer, eps=TINY).attribute(
            hot,
            baselines=baseline,
            custom_attribution_func=lambda multipliers, _, baselines: (
                from_baseline(multipliers[0], baselines[0]),
            ),
        )
    values: Floats = found.cpu().numpy()
    return values
