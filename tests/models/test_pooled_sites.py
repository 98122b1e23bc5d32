"""What the DNA of the peaks near a gene says of each TF."""

import numpy as np
import pytest
import torch

from grnet.models._pooled_sites import PooledSites, pooled_affinity, saturated

N_PEAKS, N_GENES, N_FEATURES, N_TFS = 9, 6, 4, 3
ALONE = 5
"""A gene without peaks."""


@pytest.fixture
def near():
    rng = np.random.default_rng(0)
    peak, gene = np.nonzero(rng.random((N_PEAKS, N_GENES - 1)) < 0.4)
    return torch.from_numpy(np.stack([peak, gene]))


@pytest.fixture
def said():
    return torch.from_numpy(np.random.default_rng(1).normal(0, 3, (N_PEAKS, N_FEATURES))).float()


@pytest.fixture
def link(near):
    return torch.from_numpy(np.random.default_rng(2).random(near.shape[1])).float()


@pytest.fixture
def sites():
    rng = np.random.default_rng(3)
    layer = PooledSites(N_FEATURES, n_tfs=N_TFS)
    values = {
        "mean": (N_FEATURES,), "scale": (N_FEATURES,), "weight": (N_TFS, N_FEATURES),
        "bias": (N_TFS,),
    }  # fmt: skip
    with torch.no_grad():
        for name, shape in values.items():
            getattr(layer, name).copy_(torch.from_numpy(rng.random(shape) + 0.5))
    return layer


def naive(near, said, link):
    """Return log sums of link times affinity by gene; genes without peaks are missing."""
    found = {}
    for peak, gene, weight in zip(*near.tolist(), link.double().tolist(), strict=True):
        found[gene] = found.get(gene, 0.0) + weight * np.exp(said[peak].double().numpy())
    return {gene: np.log(total) for gene, total in found.items()}


def all_pairs():
    tf, gene = np.divmod(np.arange(N_TFS * N_GENES), N_GENES)
    return torch.from_numpy(np.stack([tf, gene]))


@pytest.mark.parametrize("linked", [True, False])
def test_affinities_add_up_as_strongly_as_they_are_linked(near, said, link, sites, linked):
    expected = naive(near, said, link if linked else torch.ones_like(link))
    given = link if linked else None
    pooled, has_peak = pooled_affinity(said[near[0]], near[1], link=given, n_genes=N_GENES)
    assert has_peak.nonzero()[:, 0].tolist() == sorted(expected)
    assert not has_peak[ALONE]
    for gene, values in expected.items():
        np.testing.assert_allclose(pooled[gene], values, rtol=1e-4, atol=1e-4)
    terms = sites(said, near, all_pairs(), link=given, n_genes=N_GENES).detach().numpy()
    mean, scale, weight, bias = (
        getattr(sites, name).detach().numpy() for name in ("mean", "scale", "weight", "bias")
    )
    for (tf, gene), term in zip(all_pairs().T.tolist(), terms, strict=True):
        seen = (expected[gene] - mean) / scale if gene in expected else np.zeros(N_FEATURES)
        assert term == pytest.approx(seen @ weight[tf] + bias[tf], abs=1e-4)


def test_pairs_are_scored_alike_whoever_else_is_asked(near, said, link, sites):
    pairs = all_pairs()
    together = sites(said, near, pairs, link=link, n_genes=N_GENES)
    alone = [
        sites(said, near, pairs[:, [at]], link=link, n_genes=N_GENES)
        for at in range(pairs.shape[1])
    ]
    torch.testing.assert_close(together, torch.cat(alone))


def test_gradients_are_those_of_the_sum_and_finite_where_a_link_is_0(near, said, link, sites):
    link[:3] = 0.0
    said, link = said.requires_grad_(), link.requires_grad_()
    sites(said, near, all_pairs(), link=link, n_genes=N_GENES).sum().backward()
    for values in (said.grad, link.grad, sites.weight.grad, sites.bias.grad):
        assert torch.isfinite(values).all()
    in_doubles = sites.double()

    def terms(said, link):
        return in_doubles(said, near, all_pairs(), link=link, n_genes=N_GENES)

    given = (said.detach().double().requires_grad_(), link.detach().double().clamp(min=0.1))
    assert torch.autograd.gradcheck(terms, (given[0], given[1].requires_grad_()))


def test_a_gene_without_peaks_is_told_by_the_bias_alone(near, said, sites):
    pair = torch.tensor([[2], [ALONE]])
    found = sites(said, near, pair, link=None, n_genes=N_GENES)
    torch.testing.assert_close(found, sites.bias[2:])
    found.sum().backward()
    assert not sites.weight.grad.any()


def test_affinities_level_off_at_their_ceiling(near, said, link, sites):
    affinity, ceiling = said.double().exp(), torch.tensor([0.5, 2.0, 20.0, torch.inf])
    bounded = affinity / (1 + affinity / ceiling.double())
    torch.testing.assert_close(saturated(said, ceiling.log()), bounded.log().float())
    unbounded = sites(bounded.log().float(), near, all_pairs(), link=link, n_genes=N_GENES)
    sites.ceiling.copy_(ceiling.log())
    found = sites(said, near, all_pairs(), link=link, n_genes=N_GENES)
    torch.testing.assert_close(found, unbounded)


def test_without_a_ceiling_affinities_stay_what_they_are(said):
    said.requires_grad_()
    kept = saturated(said, torch.full((N_FEATURES,), torch.inf))
    assert torch.equal(kept, said)
    kept.sum().backward()
    assert torch.equal(said.grad, torch.ones_like(said))
