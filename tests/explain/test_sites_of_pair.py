"""How the peaks near a gene share what their DNA says together."""

import numpy as np
import pytest
import torch

from grnet.explain._sites_of_pair import _shares

N_PEAKS, N_MOTIFS = 5, 3


@pytest.fixture
def levels():
    rng = np.random.default_rng(0)
    here, away = torch.from_numpy(rng.normal(6, 3, (2, N_PEAKS, N_MOTIFS)))
    return here, away, torch.from_numpy(np.log(rng.uniform(0.05, 1, (N_PEAKS, 1))))


def test_shares_add_up_to_the_rise_of_all(levels):
    here, away, link = levels
    share, pooled = _shares(here, away, link)
    torch.testing.assert_close(pooled, (here + link).logsumexp(0))
    risen = (share * (here - away)).sum(0)
    torch.testing.assert_close(risen, pooled - (away + link).logsumexp(0))


def test_each_peak_gets_its_part_of_the_affinity_that_was_gained(levels):
    here, away, link = levels
    share, _ = _shares(here, away, link)
    gained = (here + link).exp() - (away + link).exp()
    contribution = share * (here - away)
    torch.testing.assert_close(contribution / contribution.sum(0), gained / gained.sum(0))


def test_equal_sites_share_by_their_links():
    here, away = torch.full((2, 1), 9.0), torch.tensor([[3.0], [3.0]])
    share, _ = _shares(here.double(), away.double(), torch.tensor([[1.0], [0.25]]).double().log())
    assert (share[0] / share[1]).item() == pytest.approx(4)


def test_where_nothing_was_gained_the_share_is_the_slope(levels):
    here, _, link = levels
    share, _ = _shares(here, here, link)
    torch.testing.assert_close(share, (here + link).softmax(0))
