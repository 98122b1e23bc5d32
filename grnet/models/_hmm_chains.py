"""Forward and backward passes of a hidden Markov model over chains of distinct patterns."""

from typing import NamedTuple

import numpy as np

from grnet.dna._jit import compiled
from grnet.models._marks import Floats, Integers, Values

_LEAST = 1e-300


class Chain(NamedTuple):
    """The parameters: (K,), (K, K), (K, marks)."""

    start: Floats
    transition: Floats
    emissions: Floats


class Patterns(NamedTuple):
    """Bins as numbers of distinct patterns: marks repeat, so emissions are computed once each."""

    distinct: Values
    of_bin: Integers
    firsts: Integers
    """Where chains begin, and the number of bins at the end."""


class Passes(NamedTuple):
    """What the bins before and after say of each bin's state, and the scale of each bin."""

    before: Floats
    after: Floats
    scale: Floats


class Counts(NamedTuple):
    """What a pass over the chains expects: the sufficient statistics of Baum-Welch."""

    log_likelihood: float
    start: Floats
    transitions: Floats
    patterns: Floats
    """Expected number of bins with a pattern in a state."""


def patterns_of(values: Values, lengths: Integers) -> Patterns:
    """Return the distinct rows of the marks and which of them each bin has."""
    packed = np.ascontiguousarray(values).view(np.dtype((np.void, values.shape[1])))[:, 0]
    _, first, of_bin = np.unique(packed, return_index=True, return_inverse=True)
    firsts = np.r_[0, np.cumsum(lengths)].astype(np.int64)
    return Patterns(values[first], of_bin.reshape(-1).astype(np.int64), firsts)


def log_emissions(distinct: Values, emissions: Floats) -> Floats:
    """Return the log probability of each pattern in each state; missing marks say nothing."""
    present, absent = distinct == 1, distinct == 0
    log: Floats = present @ np.log(emissions).T + absent @ np.log1p(-emissions).T
    return log


def scaled(log: Floats) -> tuple[Floats, Floats]:
    """Return probabilities divided by the largest of their row, and the log of that."""
    top = log.max(axis=1)
    return np.maximum(np.exp(log - top[:, None]), _LEAST), top


@compiled
def _before(emitted: Floats, patterns: Patterns, chain: Chain) -> tuple[Floats, Floats]:
    """Return the states' probabilities given the bins before, and the scale of each bin."""
    of_bin, firsts, n_states = patterns.of_bin, patterns.firsts, len(chain.start)
    before = np.empty((len(of_bin), n_states))
    scale = np.empty(len(of_bin))
    current = np.empty(n_states)
    for part in range(len(firsts) - 1):
        for t in range(firsts[part], firsts[part + 1]):
            if t == firsts[part]:
                before[t] = chain.start
            else:
                before[t] = 0.0
                for i in range(n_states):
                    for k in range(n_states):
                        before[t, k] += current[i] * chain.transition[i, k]
            total = 0.0
            for k in range(n_states):
                current[k] = before[t, k] * emitted[of_bin[t], k]
                total += current[k]
            scale[t] = total
            for k in range(n_states):
                current[k] /= total
    return before, scale


@compiled
def _after(emitted: Floats, patterns: Patterns, chain: Chain, scale: Floats) -> Floats:  # noqa: PLR0917
    """Return the scaled probability of the bins after, given the state of each bin."""
    of_bin, firsts, n_states = patterns.of_bin, patterns.firsts, len(chain.start)
    after = np.empty((len(of_bin), n_states))
    message = np.empty(n_states)
    for part in range(len(firsts) - 1):
        last = firsts[part + 1] - 1
        for t in range(last, firsts[part] - 1, -1):
            if t == last:
                after[t] = 1.0
            else:
                for i in range(n_states):
                    total = 0.0
                    for k in range(n_states):
                        total += chain.transition[i, k] * message[k]
                    after[t, i] = total
            for k in range(n_states):
                message[k] = emitted[of_bin[t], k] * after[t, k] / scale[t]
    return after


@compiled
def _expected(emitted: Floats, patterns: Patterns, passes: Passes) -> tuple[Floats, Floats, Floats]:
    """Add up starts, pairs of states (but for the transition) and states of patterns."""
    of_bin, firsts = patterns.of_bin, patterns.firsts
    before, after, scale = passes.before, passes.after, passes.scale
    n_states = before.shape[1]
    starts = np.zeros(n_states)
    pairs = np.zeros((n_states, n_states))
    states = np.zeros((len(emitted), n_states))
    message = np.empty(n_states)
    for part in range(len(firsts) - 1):
        for t in range(firsts[part], firsts[part + 1]):
            now = of_bin[t]
            for k in range(n_states):
                message[k] = emitted[now, k] * after[t, k] / scale[t]
                states[now, k] += before[t, k] * message[k]
            if t == firsts[part]:
                starts += before[t] * message
                continue
            past = of_bin[t - 1]
            for i in range(n_states):
                left = before[t - 1, i] * emitted[past, i] / scale[t - 1]
                for k in range(n_states):
                    pairs[i, k] += left * message[k]
    return starts, pairs, states


def passes_of(patterns: Patterns, chain: Chain) -> tuple[Passes, Floats, Floats]:
    """Run forward and backward; also return the emissions of the patterns and their scale."""
    emitted, top = scaled(log_emissions(patterns.distinct, chain.emissions))
    before, scale = _before(emitted, patterns, chain)
    return Passes(before, _after(emitted, patterns, chain, scale), scale), emitted, top


def expectations(patterns: Patterns, chain: Chain) -> Counts:
    """Run one pass of Baum-Welch over all chains."""
    passes, emitted, top = passes_of(patterns, chain)
    starts, pairs, states = _expected(emitted, patterns, passes)
    log_likelihood = float(np.log(passes.scale).sum() + top[patterns.of_bin].sum())
    return Counts(log_likelihood, starts, pairs * chain.transition, states)


def contexts(patterns: Patterns, chain: Chain) -> tuple[Floats, Floats]:
    """Return each bin's states given all other bins, and given all bins."""
    passes, emitted, _ = passes_of(patterns, chain)
    others = passes.before * passes.after
    posterior = others * emitted[patterns.of_bin]
    return (
        others / others.sum(axis=1, keepdims=True),
        posterior / posterior.sum(axis=1, keepdims=True),
    )
