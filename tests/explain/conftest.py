"""Sequences with planted sites, and models that look for them and nothing else."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import grnet as gn
from grnet.io.motifs import Motif

AP1, REB1 = "ATGACTCAT", "CGGGTAAC"


def sharp(name, consensus, rng):
    """A motif that shows its consensus at nine sites of ten, and something else at the tenth."""
    codes = ["ACGT".index(letter) for letter in consensus]
    others = rng.dirichlet([1.0] * 4, size=len(codes)).T
    return Motif(name, (name,), 0.9 * np.eye(4)[codes].T + 0.1 * others)


def plant_sites(codes, motif, rng):
    """Put one site of the motif into each sequence, on either strand."""
    draws = rng.random((len(codes), 1, motif.width))
    sites = (draws > np.cumsum(motif.probabilities, axis=0)).sum(axis=1).clip(0, 3)
    minus = rng.random(len(codes)) < 0.5
    sites[minus] = 3 - sites[minus][:, ::-1]
    start = rng.integers(0, codes.shape[1] - motif.width, len(codes))
    out = codes.copy()
    out[np.arange(len(codes))[:, None], start[:, None] + np.arange(motif.width)] = sites
    return out, start


class Scanner(nn.Module):
    """The best places of motifs on both strands, softly thresholded, one output for each motif."""

    def __init__(self, motifs):
        super().__init__()
        width = max(motif.width for motif in motifs)
        self.conv = nn.Conv1d(4, len(motifs), width)
        weight = torch.zeros_like(self.conv.weight)
        for i, motif in enumerate(motifs):
            odds = np.log2(motif.probabilities / 0.25)
            weight[i, :, : motif.width] = torch.from_numpy(odds)
        self.conv.weight.data = weight
        self.conv.bias.data.fill_(-5.0)

    def forward(self, hot):
        strands = [functional.softplus(self.conv(x)).amax(-1) for x in (hot, hot.flip(1, 2))]
        return torch.maximum(*strands)


@pytest.fixture(scope="session")
def motifs():
    rng = np.random.default_rng(0)
    return [sharp("AP1", AP1, rng), sharp("REB1", REB1, rng)]


@pytest.fixture(scope="session")
def background():
    return np.random.default_rng(1).integers(4, size=(200, 100), dtype=np.uint8)


@pytest.fixture(scope="session")
def planted(motifs, background):
    """Half of the sequences with a site of the one motif, half with one of the other."""
    rng = np.random.default_rng(2)
    halves = [
        plant_sites(part, m, rng) for part, m in zip(np.split(background, 2), motifs, strict=True)
    ]
    return tuple(np.concatenate(parts) for parts in zip(*halves, strict=True))


@pytest.fixture(scope="session")
def scanner(motifs):
    return Scanner(motifs)


@pytest.fixture(scope="session")
def known(motifs):
    """Motifs to compare with: the planted ones among many others."""
    rng = np.random.default_rng(3)
    others = [Motif(f"other{i}", (), rng.dirichlet([0.3] * 4, size=9).T) for i in range(60)]
    return [*others, *motifs]


class Pooled(nn.Module):
    """A plain network of layers that DeepLIFT knows, each used once."""

    def __init__(self, *, n_outputs=1, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.layers = nn.Sequential(
            nn.Conv1d(4, 6, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool1d(3, stride=2, padding=1, ceil_mode=True),
            nn.Conv1d(6, 5, 3),
            nn.Softplus(),
            nn.AdaptiveAvgPool1d(4),
            nn.Flatten(),
            nn.Linear(20, 7),
            nn.Tanh(),
            nn.Linear(7, n_outputs),
        )

    def forward(self, hot):
        return self.layers(hot)


@pytest.fixture
def pooled():
    with torch.random.fork_rng(devices=[]):
        return Pooled(n_outputs=2).eval()


@pytest.fixture(scope="session")
def learnt():
    """A small CNN trained to see one site, with sequences that hold it and where."""
    import grnet as gn

    rng = np.random.default_rng(5)
    codes = rng.integers(4, size=(700, 80), dtype=np.uint8)
    labels = (np.arange(700) % 2).astype(np.float32)
    places = np.zeros(codes.shape, dtype=bool)
    site = gn.dna.to_codes(["TGACTCAGCA"])[0]
    for row in np.flatnonzero(labels):
        start = rng.integers(70)
        codes[row, start : start + 10] = site if rng.random() < 0.5 else 3 - site[::-1]
        places[row, start : start + 10] = True
    config = gn.models.SequenceCNNConfig(
        n_filters=12, filter_width=11, n_layers=0, n_hidden=16, dropout=0
    )
    settings = gn.train.FitSettings(max_epochs=25, batch_size=32, learning_rate=1e-2, device="cpu")
    train = gn.train.SequenceData(codes[:600], labels[:600])
    held = gn.train.SequenceData(codes[600:], labels[600:])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        start = gn.models.SequenceCNN(config)
    fit = gn.train.fit(start, train, validation=held, settings=settings, seed=0)
    some = np.flatnonzero(labels[600:])[:20] + 600
    return fit.model.eval(), codes[some], places[some]


@pytest.fixture(scope="session")
def graph():
    """TFs, peaks and genes with all types of edges, small enough to try everything."""
    multiome = gn.datasets.simulate_multiome(n_cells=80, n_genes=40, n_tfs=4, seed=3)
    links = gn.cis.link_peaks(multiome.mdata, multiome.genome, method="distance")
    return gn.graph.build(
        multiome.mdata,
        multiome.genome,
        links=links,
        bindings=gn.cis.bind(links, evidence=multiome.chip),
        known=multiome.edges,
        n_components=4,
        n_neighbours=3,
    )


@pytest.fixture(scope="session")
def edge_model(graph):
    """Return an untrained model of edges of the graph."""

    def made(kind, **settings):
        torch.manual_seed(0)
        config = gn.models.EdgeModelConfig.of(graph, kind=kind, width=16, heads=2, **settings)
        return gn.models.EdgeModel(config).eval()

    return made


@pytest.fixture(scope="session")
def known_pair(graph):
    """Return names and positions of an edge that is known to the graph."""
    tf, gene = graph[gn.graph.REGULATES].edge_index[:, 5].tolist()
    return (graph["tf"].name[tf], graph["gene"].name[gene]), torch.tensor([[tf], [gene]])
