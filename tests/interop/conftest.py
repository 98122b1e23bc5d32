"""Simulated cells and their planted network, as a user holds them."""

import pytest

import grnet as gn


@pytest.fixture(scope="session")
def cells():
    adata = gn.datasets.load("simulated")
    gn.pp.normalize(adata)
    return adata


@pytest.fixture(scope="session")
def planted(cells):
    """The planted network, its names as categories that only some genes use."""
    grn = gn.GRN(gn.datasets.truth(cells), params={"method": "planted"})
    assert grn.edges["source"].dtype == "category"
    return grn
