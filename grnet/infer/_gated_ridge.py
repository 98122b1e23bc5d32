"""Ridge regression whose penalties a graph network learns, from cells that are held out.

Each target's expression is regressed on that of all regulators, with a prior variance of its own
for every pair. The network reads the graph (profiles, co-expression, and peaks with motifs,
ChIP-seq and accessibility where they are there) and says how large these variances are. The
regression has a closed form, through which the network is trained: it makes the error small with
which regressions that were fitted to some cells predict others. No label is needed.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from grnet._progress import progress
from grnet.infer._arrays import Matrix, varies
from grnet.infer._expression_graph import N_COMPONENTS, ExpressionGraph, aligned, expression_graph
from grnet.infer._knowledge import GraphOfInputs
from grnet.infer._scored import Scored
from grnet.models import EdgeModel, EdgeModelConfig
from grnet.models.prediction import evaluating
from grnet.train import FitSettings, fit

Batch = Mapping[str, torch.Tensor]
Rows = npt.NDArray[np.int64]

N_FOLDS = 4
MOST_TARGETS = 256
"""On how many targets the network is trained; it answers for all."""
_SYSTEM_VALUES = 1 << 23
"""Of the systems of equations that are solved at a time."""
PENALTIES = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
_LARGEST_GATE = 12.0
_LEAST_VARIANCE = 1e-3


class Moments(NamedTuple):
    """Second moments of standardised expression over some cells.

    ``gram`` is regulators x regulators, ``cross`` regulators x targets, ``variance`` one for each
    target.
    """

    gram: torch.Tensor
    cross: torch.Tensor
    variance: torch.Tensor

    def of(self, targets: torch.Tensor) -> "Moments":
        """Return those of some targets."""
        return Moments(self.gram, self.cross[:, targets], self.variance[targets])


class Solution(NamedTuple):
    """Ridge coefficients, targets x regulators, and what they are solved from.

    ``factor`` is the Cholesky factor of each target's scaled and penalised Gram matrix.
    """

    coefficients: torch.Tensor
    factor: torch.Tensor


def solved(moments: Moments, gates: torch.Tensor, *, penalty: float) -> Solution:
    """Return the ridge regression of each target where each pair has a prior variance.

    ``gates`` (targets x regulators) are standard deviations relative to that of plain ridge at the
    penalty: all ones give plain ridge, and zero takes a regulator out.
    """
    system = gates[:, :, None] * moments.gram * gates[:, None, :] / penalty
    system.diagonal(dim1=1, dim2=2).add_(1.0)
    right = gates * moments.cross.T / penalty
    factor = torch.linalg.cholesky(system)
    found = gates * torch.cholesky_solve(right[:, :, None], factor)[:, :, 0]
    return Solution(found, factor)


def z_scores(
    moments: Moments, gates: torch.Tensor, *, penalty: float, n_cells: int
) -> torch.Tensor:
    """Return coefficients in units of their posterior standard deviation, 0 where a gate is shut.

    A pair whose gate is nearly shut has a small coefficient and a small deviation: what is left is
    how far the cells speak for it.
    """
    solution = solved(moments, gates, penalty=penalty)
    variance = torch.cholesky_inverse(solution.factor).diagonal(dim1=1, dim2=2)
    noise = unexplained(solution.coefficients, moments).clamp_min(_LEAST_VARIANCE)
    deviation = gates * (variance * noise[:, None] / (penalty * n_cells)).sqrt()
    z = solution.coefficients / deviation.clamp_min(1e-30)
    return torch.where(gates > 0, z, 0.0)


def unexplained(found: torch.Tensor, moments: Moments) -> torch.Tensor:
    """Return the share of each target's variance that coefficients leave unexplained."""
    explained = 2.0 * (found * moments.cross.T).sum(1) - ((found @ moments.gram) * found).sum(1)
    return 1.0 - explained / moments.variance.clamp_min(_LEAST_VARIANCE)


class GraphTensors:
    """A graph in double precision on a device: sums in another order change nothing that shows."""

    def __init__(self, graph: ExpressionGraph, device: torch.device) -> None:
        self.x = {kind: value.double().to(device) for kind, value in graph.data.x_dict.items()}
        self.edges = {kind: at.to(device) for kind, at in graph.data.edge_index_dict.items()}
        self.tf, self.gene = (torch.from_numpy(at).to(device) for at in (graph.tf, graph.gene))

    def gates(self, model: nn.Module, targets: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
        """Return how free each pair is, targets x regulators; a target's own gate is closed."""
        n_regulators = len(self.tf)
        sources = self.tf.repeat(len(targets))
        pairs = torch.stack([sources, self.gene[targets].repeat_interleave(n_regulators)])
        logits = model(self.x, self.edges, pairs).view(len(targets), n_regulators)
        gates = torch.exp(0.5 * logits.clamp(-_LARGEST_GATE, _LARGEST_GATE))
        is_own = torch.arange(n_regulators, device=targets.device) == own[targets][:, None]
        return gates.masked_fill(is_own, 0.0)


class Fold(NamedTuple):
    """Some cells to fit and the others to predict, and the graph of those that fit."""

    graph: GraphTensors
    fitted: Moments
    predicted: Moments


class TargetBlocks:
    """Blocks of targets, one after the other asked in each of some folds."""

    def __init__(self, n_targets: int, folds: Sequence[int], *, size: int) -> None:
        self._blocks, self._folds = torch.split(torch.arange(n_targets), size), folds

    def __len__(self) -> int:
        """Return the number of blocks."""
        return len(self._blocks)

    def __getitems__(self, indices: list[int]) -> dict[str, torch.Tensor]:
        """Return ``targets`` and the ``fold`` of each."""
        blocks = [self._blocks[i] for i in indices]
        folds = [
            torch.full_like(self._blocks[i], self._folds[i % len(self._folds)]) for i in indices
        ]
        return {"targets": torch.cat(blocks), "fold": torch.cat(folds)}


class HeldOutError:
    """The variance of targets in held-out cells that gated ridge leaves unexplained."""

    monitor: str = "loss"
    mode: Literal["min", "max"] = "min"

    def __init__(self, folds: list[Fold], chosen: "_Chosen", *, penalty: float) -> None:
        self._folds, self._chosen, self._penalty = folds, chosen, penalty

    def answer(self, model: nn.Module, batch: Batch) -> torch.Tensor:
        """Return the unexplained share of each target's variance."""
        return torch.cat(
            [
                self.of_fold(number, targets, model)
                for number in range(len(self._folds))
                for targets in torch.split(
                    batch["targets"][batch["fold"] == number], self._chosen.size
                )
            ]
        )

    def of_fold(self, number: int, targets: torch.Tensor, model: nn.Module) -> torch.Tensor:
        """Return the shares of some of the chosen targets in one fold."""
        fold, chosen = self._folds[number], self._chosen
        gates = fold.graph.gates(model, chosen.targets[targets], chosen.own)
        found = solved(fold.fitted.of(targets), gates, penalty=self._penalty).coefficients
        return unexplained(found, fold.predicted.of(targets))

    def loss(self, answer: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the mean share."""
        del batch
        return answer.mean()

    def outputs(self, answer: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the shares."""
        del batch
        return answer

    def targets(self, batch: Batch) -> torch.Tensor:
        """Return nothing: the outputs are errors already."""
        return torch.zeros(0, device=batch["targets"].device)

    def metrics(self, outputs: torch.Tensor, targets: torch.Tensor) -> dict[str, float]:
        """Return the share of the variance that is explained."""
        del targets
        return {"held_out_r2": 1.0 - float(outputs.mean())}


class _Chosen(NamedTuple):
    """The targets that train the network, the own regulators of all, and how many at a time."""

    targets: torch.Tensor
    own: torch.Tensor
    size: int


def graph_regression(
    x: np.ndarray,
    y: Matrix,
    own: Rows,
    *,
    evidence: GraphOfInputs | None,
    kind: Literal["sage", "gatv2", "hgt"],
    max_epochs: int,
    rng: np.random.Generator,
    device: torch.device,
) -> Scored:
    """Return z-scores relative to those of regulator and target, regulators x targets.

    The facts hold the share of the variance that is explained in cells that neither the
    regression nor the network was fitted to, beside that of plain ridge; these cells have chosen
    the penalty and the epoch.
    """
    n_fitted = x.shape[0] - -(-x.shape[0] // N_FOLDS)  # in the smallest fold
    n_components = min(N_COMPONENTS, n_fitted - 1)
    whole = expression_graph(x, y, own, evidence=evidence, n_components=n_components)
    able = np.flatnonzero(varies(y))
    if not len(able):
        return Scored(np.zeros((x.shape[1], y.shape[1]), np.float32), {}, {})
    some = np.sort(rng.permutation(able)[:MOST_TARGETS])
    size = int(np.clip(_SYSTEM_VALUES // x.shape[1] ** 2, 4, 64))
    chosen = _Chosen(torch.from_numpy(some).to(device), torch.from_numpy(own).to(device), size)
    parts = rng.permutation(x.shape[0]) % N_FOLDS
    folds = [
        _fold(_Cells(x, y, own), parts == part, whole=whole, evidence=evidence, chosen=chosen)
        for part in range(N_FOLDS)
    ]
    penalty, plain = _best_penalty(folds[-1], chosen)
    done = fit(
        _new_model(whole, kind, seed=int(rng.integers(1 << 31))),
        TargetBlocks(len(some), range(N_FOLDS - 1), size=size),
        validation=TargetBlocks(len(some), [N_FOLDS - 1], size=size),
        objective=HeldOutError(folds, chosen, penalty=penalty),
        settings=FitSettings(
            max_epochs=max_epochs, batch_size=1, learning_rate=3e-3, weight_decay=1e-3,
            schedule="constant", precision="float32", device=str(device),
        ),
        seed=int(rng.integers(1 << 31)),
    )  # fmt: skip
    found = _of_all(
        done.model, GraphTensors(whole, device), _Cells(x, y, own), chosen=chosen, penalty=penalty
    )
    facts = {"held_out_r2": done.metrics["held_out_r2"], "held_out_r2_ridge": plain}
    return Scored(_against_background(found), {}, facts)


class _Cells(NamedTuple):
    """What a kernel is given: regulators, targets, and the targets' own regulators."""

    x: np.ndarray
    y: Matrix
    own: Rows


def _fold(
    cells: _Cells,
    held: npt.NDArray[np.bool_],
    *,
    whole: ExpressionGraph,
    evidence: GraphOfInputs | None,
    chosen: _Chosen,
) -> Fold:
    """Return one fold; its graph does not know the cells that are held out."""
    fitted, device = np.flatnonzero(~held), chosen.own.device
    known = expression_graph(
        cells.x[fitted], cells.y[fitted], cells.own, evidence=evidence,
        n_components=whole.n_components,
    )  # fmt: skip
    graph = aligned(known, whole)
    columns = [torch.from_numpy(cells.x), _dense(cells.y[:, chosen.targets.cpu().numpy()])]
    parts = []
    for rows in (fitted, np.flatnonzero(held)):
        scaled = [_standardised(part[rows], part[fitted]).to(device) for part in columns]
        parts.append(_moments(*scaled))
    return Fold(GraphTensors(graph, device), *parts)


def _of_all(
    model: nn.Module, graph: GraphTensors, cells: _Cells, *, chosen: _Chosen, penalty: float
) -> npt.NDArray[np.float32]:
    """Return the z-scores of all pairs, regulators x targets, from all cells."""
    n_targets = cells.y.shape[1]
    found = np.zeros((cells.x.shape[1], n_targets), np.float32)
    device = graph.tf.device
    regulators = torch.from_numpy(cells.x)
    regulators = _standardised(regulators, regulators).to(device)
    gram = regulators.T @ regulators / len(regulators)
    with evaluating(model, device=str(device)):
        starts = range(0, n_targets, chosen.size)
        for start in progress(starts, "regressions", total=len(starts)):
            columns = slice(start, min(start + chosen.size, n_targets))
            block = _dense(cells.y[:, columns])
            block = _standardised(block, block).to(device)
            cross = regulators.T @ block / len(block)
            moments = Moments(gram, cross, block.square().mean(0))
            targets = torch.arange(columns.start, columns.stop, device=device)
            gates = graph.gates(model, targets, chosen.own)
            z = z_scores(moments, gates, penalty=penalty, n_cells=len(block))
            found[:, columns] = z.T.cpu().numpy()
    return found


def _against_background(z: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Divide by the geometric mean of the root mean squares of regulator and target.

    A regulator that is a little of everything, and a target that anything explains, count less.
    """
    row, column = (np.sqrt(np.mean(np.square(z), axis=axis, keepdims=True)) for axis in (1, 0))
    background = np.sqrt(row * column)
    return np.asarray(np.divide(z, background, out=np.zeros_like(z), where=background > 0))


def _best_penalty(fold: Fold, chosen: _Chosen) -> tuple[float, float]:
    """Return the penalty of plain ridge that predicts held-out cells best, and its R2."""
    own = chosen.own[chosen.targets]
    n_regulators = len(fold.fitted.gram)
    is_own = torch.arange(n_regulators, device=own.device) == own[:, None]
    plain = (~is_own).double()
    r2 = {}
    for penalty in PENALTIES:
        shares = [
            unexplained(
                solved(fold.fitted.of(some), plain[some], penalty=penalty).coefficients,
                fold.predicted.of(some),
            )
            for some in torch.split(torch.arange(len(own), device=own.device), chosen.size)
        ]
        r2[penalty] = 1.0 - float(torch.cat(shares).mean())
    best = max(r2, key=lambda penalty: r2[penalty])
    return best, r2[best]


def _new_model(graph: ExpressionGraph, kind: str, *, seed: int) -> EdgeModel:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = EdgeModel(EdgeModelConfig.of(graph.data, kind=kind, dropout=0.1)).double()
    # plain ridge to begin with
    *_, last = (part for part in model.together.modules() if isinstance(part, nn.Linear))
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return model


def _moments(x: torch.Tensor, y: torch.Tensor) -> Moments:
    n_cells = max(len(x), 1)
    return Moments(x.T @ x / n_cells, x.T @ y / n_cells, y.square().mean(0))


def _standardised(block: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """Return columns in units of their spread over the reference; constant ones become zero."""
    known = reference.double()
    mean, spread = known.mean(0), known.std(0, correction=0)
    varying = spread > 1e-6 * known.abs().amax(0)
    return (block.double() - mean) * torch.where(varying, 1.0 / spread.clamp_min(1e-30), 0.0)


def _dense(part: Matrix) -> torch.Tensor:
    return torch.from_numpy(part if isinstance(part, np.ndarray) else part.toarray())
