"""Attributions over a graph: complete, exact where the answer is known, and learnt."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch_geometric.data import HeteroData

import grnet as gn
from grnet.explain._path import LEAST, integrated
from grnet.graph import BINDS, NEAR, opposite

KINDS = ("sage", "gatv2", "hgt", "none")
METHODS = ("integrated_gradients", "saliency", "shap_sampling", "occlusion")
QUICK = {"n_single": 6, "n_samples": 3}
each_kind = pytest.mark.parametrize("kind", KINDS)
# TFs of the chain hear nobody
source_only = pytest.mark.filterwarnings("ignore:There exist node types:UserWarning")
each_method = pytest.mark.parametrize("method", METHODS)


def asked(model, graph, pair, **options):
    return gn.explain.graph_attributions(model, graph, source=pair[0], target=pair[1], **options)


def total(found):
    return sum(t["contribution"].sum() for t in (found.nodes, found.edges, found.pair))


@each_method
@each_kind
def test_every_kind_is_explained_by_every_method(graph, edge_model, known_pair, kind, method):
    model, (pair, at) = edge_model(kind), known_pair
    found = asked(model, graph, pair, method=method, **QUICK)
    edges = {
        relation: index
        for relation, index in graph.edge_index_dict.items()
        if "regulates" not in relation[1]
    }
    gap = found.logit - found.baseline
    for relation in (gn.graph.REGULATES, opposite(gn.graph.REGULATES)):
        ends = at if relation == gn.graph.REGULATES else at.flip(0)
        index = graph[relation].edge_index
        edges[relation] = index[:, (index != ends).any(0)]
    with torch.no_grad():
        assert found.logit == pytest.approx(float(model(graph.x_dict, edges, at)), abs=1e-5)
        nothing = {k: torch.zeros_like(x) for k, x in graph.x_dict.items()}
        none = {r: index[:, :0] for r, index in edges.items()}
        assert found.baseline == pytest.approx(float(model(nothing, none, at)), abs=1e-5)
    if method == "saliency":
        assert np.isnan(found.residual)
    else:
        assert found.residual == pytest.approx(gap - total(found), abs=1e-9)
    allowed = 0.01 * max(abs(gap), LEAST)
    assert method != "integrated_gradients" or abs(found.residual) <= allowed
    assert method != "shap_sampling" or abs(found.residual) <= 1e-5
    assert found.edges.empty == (kind == "none")
    assert found.nodes["contribution"].abs().sum() > 0
    known = found.edges[found.edges["type"] == "tf regulates gene"][["source", "target"]]
    assert tuple(pair) not in set(known.itertuples(index=False, name=None))


@each_kind
def test_contributions_are_those_of_a_plain_riemann_sum(graph, edge_model, known_pair, kind):
    """By 120 steps over the whole graph, denser at the start, where normalisations jump."""
    from grnet.explain._weighted import weighted_messages

    model, (pair, at) = edge_model(kind), known_pair
    found = asked(model, graph, pair, tolerance=0.005)
    keep = {}
    for r, index in graph.edge_index_dict.items():
        ends = at if r == gn.graph.REGULATES else at.flip(0)
        keep[r] = index[:, (index != ends).any(0)] if "regulates" in r[1] else index
    sums = {name: torch.zeros_like(x) for name, x in graph.x_dict.items()}
    of_edges = {r: torch.zeros(index.shape[1]) for r, index in keep.items()}
    for step in range(120):
        share = ((step + 0.5) / 120) ** 3
        width = 3 * ((step + 0.5) / 120) ** 2 / 120
        x = {name: (share * v).requires_grad_() for name, v in graph.x_dict.items()}
        w = {r: torch.full((e.shape[1],), share, requires_grad=True) for r, e in keep.items()}
        with weighted_messages(model, w):
            logit = model(x, keep, at)[0]
        parts = torch.autograd.grad(logit, [*x.values(), *w.values()], allow_unused=True)
        for name, gradient in zip([*x, *w], parts, strict=True):
            if gradient is not None:
                (sums if name in sums else of_edges)[name] += gradient * width
    nodes = found.nodes[found.nodes["type"] == "gene"]
    ours = nodes[nodes["name"] == pair[1]].set_index("feature")["contribution"]
    theirs = (sums["gene"] * graph["gene"].x)[int(at[1])].numpy()
    scale = max(float(np.abs(theirs).max()), 1e-3)
    np.testing.assert_allclose(
        ours.loc[list(graph["gene"].feature_names)], theirs, atol=0.03 * scale
    )
    if kind != "none":
        near = of_edges[NEAR].sum() + of_edges[opposite(NEAR)].sum()
        moved = sum(float(parts.abs().sum()) for parts in of_edges.values())
        ours = found.edges.loc[found.edges["type"] == "peak near gene", "contribution"].sum()
        assert ours == pytest.approx(float(near), abs=0.02 * moved)


def test_a_linear_path_needs_no_steps_and_a_kink_some():
    weight = torch.tensor([1.0, -2.0, 3.0])
    ends = (torch.ones(3),), (torch.zeros(3),)
    plain = integrated(
        lambda x: (weight * x).sum(), ends[0], baselines=ends[1], tolerance=1e-6, max_steps=100
    )
    np.testing.assert_allclose(plain.contributions[0], weight)
    assert plain.n_steps == 3
    kink = integrated(
        lambda x: torch.relu((weight * x).sum() - 1.37),
        ends[0],
        baselines=ends[1],
        tolerance=1e-4,
        max_steps=500,
    )
    np.testing.assert_allclose(kink.contributions[0], weight * 0.63 / 2, rtol=1e-3)
    with pytest.raises(RuntimeError, match=r"unexplained after 9 steps.*Raise max_steps=9"):
        integrated(
            lambda x: torch.relu((weight * x).sum() - 1.37),
            ends[0],
            baselines=ends[1],
            tolerance=1e-4,
            max_steps=9,
        )


class Sums(nn.Module):
    """A logit that is known: what is heard by the gene, plus what the pair says."""

    def __init__(self):
        super().__init__()
        from torch_geometric.nn import HeteroConv, SimpleConv

        relations = (BINDS, NEAR)
        self.layers = nn.ModuleList(
            HeteroConv({r: SimpleConv(aggr="sum") for r in relations}) for _ in range(2)
        )

    def forward(self, x, edges, pairs, *, features=None):
        bound = self.layers[0]({k: v[:, :1] for k, v in x.items()}, edges)
        heard = self.layers[1]({**bound, "tf": x["tf"][:, :1]}, edges)
        own = 0 if features is None else 2 * features[:, 0] - features[:, 1]
        return heard["gene"][pairs[1], 0] + own


@pytest.fixture(scope="module")
def chain():
    """TF a binds p and q, b binds q; p and q are near g, r is near h."""
    data = HeteroData()
    for kind, names, x in (
        ("tf", ["a", "b", "c"], [[2.0], [5.0], [1.0]]),
        ("peak", ["p", "q", "r"], [[1.0], [1.0], [1.0]]),
        ("gene", ["g", "h"], [[0.0], [0.0]]),
    ):
        data[kind].name, data[kind].x = names, torch.tensor(x)
    data["tf"].feature_names = ["level"]
    data["tf"].feature_mean, data["tf"].feature_scale = np.array([10.0]), np.array([3.0])
    data[BINDS].edge_index = torch.tensor([[0, 0, 1], [0, 1, 1]])
    data[NEAR].edge_index = torch.tensor([[0, 1, 2], [0, 0, 1]])
    return data


@source_only
def test_a_known_function_gets_its_known_contributions(chain):
    features = pd.Series({"prior": 3.0, "distance": 1.0})
    model = Sums()
    found = asked(model, chain, ("a", "g"), features=features)
    assert found.logit == pytest.approx(2 + 2 + 5 + 6 - 1)
    assert found.baseline == 0
    # x * w * v along the path from 0: a third for each factor
    binds = found.edges[found.edges["type"] == "tf binds peak"].set_index(["source", "target"])
    assert binds["contribution"].to_dict() == pytest.approx(
        {("a", "p"): 2 / 3, ("a", "q"): 2 / 3, ("b", "q"): 5 / 3}, rel=1e-4
    )
    near = found.edges[found.edges["type"] == "peak near gene"].set_index("source")
    assert near["contribution"].to_dict() == pytest.approx({"p": 2 / 3, "q": 7 / 3}, rel=1e-4)
    assert (near["along"] == near["contribution"]).all()
    tfs = found.nodes[found.nodes["type"] == "tf"].set_index("name")
    assert tfs["contribution"].to_dict() == pytest.approx({"a": 4 / 3, "b": 5 / 3}, rel=1e-4)
    assert tfs["value"].to_dict() == {"a": 16.0, "b": 25.0}
    assert tfs["feature"].unique().tolist() == ["level"]
    assert found.pair.set_index("feature")["contribution"].to_dict() == pytest.approx(
        {"prior": 6.0, "distance": -1.0}
    )
    values = found.pair.set_index("feature")["value"].to_dict()
    assert values == {"prior": 3.0, "distance": 1.0}
    gone = asked(model, chain, ("a", "g"), features=features, method="occlusion")
    binds = gone.edges[gone.edges["type"] == "tf binds peak"].set_index(["source", "target"])
    assert binds["contribution"].to_dict() == pytest.approx(
        {("a", "p"): 2, ("a", "q"): 2, ("b", "q"): 5}
    )
    slope = asked(model, chain, ("a", "g"), features=features, method="saliency")
    assert slope.pair.set_index("feature")["contribution"].to_dict() == {
        "prior": 2.0, "distance": -1.0
    }  # fmt: skip
    shared = asked(
        model, chain, ("a", "g"), features=features, method="shap_sampling", n_samples=400
    )
    binds = shared.edges[shared.edges["type"] == "tf binds peak"].set_index(["source", "target"])
    assert binds["contribution"].to_dict() == pytest.approx(
        {("a", "p"): 2 / 3, ("a", "q"): 2 / 3, ("b", "q"): 5 / 3}, rel=0.2
    )


@source_only
def test_baselines_can_be_given(chain):
    found = asked(Sums(), chain, ("a", "g"), baselines={"tf": [1.0]})
    tfs = found.nodes[found.nodes["type"] == "tf"].set_index("name")["contribution"]
    assert found.baseline == 0
    # (2 - 1) and (5 - 1) times the mean of t squared, over one and two peaks
    assert tfs.to_dict() == pytest.approx({"a": 2 / 3, "b": 4 / 3}, rel=1e-4)
    with pytest.raises(ValueError, match=r"baselines\['tf'\] has the shape \(2,\)"):
        asked(Sums(), chain, ("a", "g"), baselines={"tf": [1.0, 2.0]})
    with pytest.raises(ValueError, match="baselines has 'cell': expected types of nodes"):
        asked(Sums(), chain, ("a", "g"), baselines={"cell": [1.0]})


def test_features_of_the_pair_are_read(graph, edge_model, known_pair):
    (pair, _) = known_pair
    model = edge_model("sage", n_pair_features=3)
    features = pd.Series([1.0, -2.0, 0.5], index=["correlation", "evidence", "rate"])
    found = asked(model, graph, pair, features=features)
    assert sorted(found.pair["feature"]) == ["correlation", "evidence", "rate"]
    assert abs(found.residual) <= 0.01 * max(abs(found.logit - found.baseline), LEAST)
    plain = asked(model, graph, pair, features=features.to_numpy())
    assert sorted(plain.pair["feature"]) == ["pair_1", "pair_2", "pair_3"]
    np.testing.assert_array_equal(plain.pair["contribution"], found.pair["contribution"])
    with pytest.raises(ValueError, match="reads 3 features of the pair, but none are given"):
        asked(model, graph, pair)
    with pytest.raises(ValueError, match="reads 3 features of the pair, but features has 2"):
        asked(model, graph, pair, features=[1.0, 2.0])


@each_method
def test_the_model_and_the_caller_are_left_as_found(graph, edge_model, known_pair, method):
    model = edge_model("gatv2")
    model.train()
    model.together[2].eval()
    before = torch.get_rng_state()
    one = asked(model, graph, known_pair[0], method=method, seed=1, tolerance=0.1, **QUICK)
    assert model.training
    assert not model.together[2].training
    assert all(p.grad is None for p in model.parameters())
    assert all(
        not hooks
        for module in model.modules()
        for name, hooks in vars(module).items()
        if name.endswith(("forward_hooks", "forward_pre_hooks"))
    )
    assert torch.equal(before, torch.get_rng_state())
    assert torch.is_grad_enabled()
    again = asked(model, graph, known_pair[0], method=method, seed=1, tolerance=0.1, **QUICK)
    pd.testing.assert_frame_equal(one.edges, again.edges)
    pd.testing.assert_frame_equal(one.nodes, again.nodes)


def test_both_directions_are_one_edge(graph, edge_model, known_pair):
    found = asked(edge_model("sage"), graph, known_pair[0])
    assert not found.edges.duplicated(["type", "source", "target"]).any()
    assert not found.edges["type"].astype(str).str.contains("rev_").any()
    both = found.edges["along"] + found.edges["against"]
    np.testing.assert_allclose(both, found.edges["contribution"], atol=1e-12)
    assert (found.edges["against"] != 0).any()
    magnitude = found.edges["contribution"].abs().to_numpy()
    assert (np.diff(magnitude) <= 0).all()
    near = found.edges[found.edges["type"] == "gene coexpressed gene"]
    swapped = set(zip(near["target"], near["source"], strict=True))
    assert not swapped & set(zip(near["source"], near["target"], strict=True))


def test_a_pair_without_neighbours_is_explained_by_its_features(graph, edge_model):
    from copy import copy

    lonely = copy(graph)
    for relation in graph.edge_types:
        index = graph[relation].edge_index
        gone = torch.zeros(index.shape[1], dtype=torch.bool)
        for row, kind in enumerate(relation[::2]):
            gone |= (index[row] == 0) & (kind in {"tf", "gene"})
        lonely[relation].edge_index = index[:, ~gone]
    pair = (graph["tf"].name[0], graph["gene"].name[0])
    for kind in ("sage", "gatv2", "hgt"):
        found = asked(edge_model(kind), lonely, pair)
        assert found.edges.empty
        assert set(found.nodes["name"]) == set(pair)
        assert abs(found.residual) <= 0.01 * max(abs(found.logit - found.baseline), LEAST)
        with pytest.raises(ValueError, match="hears no edge in this graph"):
            gn.explain.faithfulness(edge_model(kind), lonely, found)


def test_what_cannot_be_asked_is_told(graph, edge_model, known_pair):
    model, (tf, gene) = edge_model("sage"), known_pair[0]
    with pytest.raises(ValueError, match=r"'MYC' is no tf of the graph. The names look like"):
        asked(model, graph, ("MYC", gene))
    with pytest.raises(ValueError, match=f"'{gene.lower()}' is no gene .* Did you mean '{gene}'"):
        asked(model, graph, (tf, gene.lower()))
    with pytest.raises(ValueError, match="Did you mean 'saliency'"):
        asked(model, graph, (tf, gene), method="salience")
    with pytest.raises(ValueError, match="max_steps=0 is out of range"):
        asked(model, graph, (tf, gene), max_steps=0)
    with pytest.raises(RuntimeError, match=r"Raise max_steps=3, or take them as they are"):
        asked(model, graph, (tf, gene), max_steps=3, tolerance=1e-6)
    rough = asked(model, graph, (tf, gene), max_steps=3, tolerance=None)
    assert abs(rough.residual) > 1e-6
    other = asked(edge_model("none"), graph, (graph["tf"].name[1], graph["gene"].name[1]))
    assert (tf, gene) != (other.source, other.target)
    with pytest.raises(ValueError, match="share 0 inputs"):
        asked(edge_model("none"), graph, (tf, gene)).agreement(other)


def test_attributions_show_themselves(graph, edge_model, known_pair):
    found = asked(edge_model("sage"), graph, known_pair[0])
    assert repr(found).startswith(f"GraphAttributions({found.source} -> {found.target}, 'integ")
    assert f"residual {found.residual:.2g})" in repr(found)
    page = found._repr_html_()
    assert f"10 of {len(found.edges):,}" in page
    assert str(found.edges["source"][0]) in page


def open_sites(n_genes=100, n_tfs=8, seed=0):
    """Return a graph whose TFs act through the open peaks that they bind, and the truth.

    Of the peaks near a gene as many that a TF binds are open as closed; only open ones count.
    """
    rng = np.random.default_rng(seed)
    data, n_peaks = HeteroData(), 4 * n_genes
    is_open = np.tile([1, 1, 0, 0], n_genes)
    # four peaks, four TFs: two act through open peaks, and all bind closed ones
    near = np.stack([np.arange(n_peaks), np.repeat(np.arange(n_genes), 4)])
    acting = np.array([rng.choice(n_tfs, 2, replace=False) for _ in range(n_genes)])
    idle = np.array([rng.permutation(row) for row in acting])
    others = np.array([rng.choice(n_tfs, 2, replace=False) for _ in range(n_genes)])
    peaks = np.arange(n_peaks).reshape(n_genes, 4)
    binds = np.concatenate(
        [
            np.stack([tfs.ravel(), peaks[:, at].ravel()])
            for tfs, at in ((acting, [0, 1]), (idle, [2, 3]), (others, [2, 3]))
        ],
        axis=1,
    )
    binds = np.unique(binds, axis=1)
    openness = np.where(is_open, 1.0, -1.0) + 0.1 * rng.normal(size=n_peaks)
    for kind, x in (
        ("tf", np.eye(n_tfs)),
        ("peak", openness[:, None]),
        ("gene", rng.normal(size=(n_genes, 2))),
    ):
        data[kind].x = torch.from_numpy(x).float()
        data[kind].name = [f"{kind}{i}" for i in range(len(x))]
    for relation, ends in ((BINDS, binds), (NEAR, near)):
        index = torch.from_numpy(ends)
        data[relation].edge_index = index
        data[opposite(relation)].edge_index = index.flip(0)
    return data, {(int(t), g): f"peak{4 * g + i}" for g in range(n_genes) for i, t in
                  enumerate(acting[g])}  # fmt: skip


def learnt(data, truth, kind):
    """Train a model on four genes of five."""
    torch.manual_seed(0)
    n_tfs, n_genes = data["tf"].num_nodes, data["gene"].num_nodes
    model = gn.models.EdgeModel(
        gn.models.EdgeModelConfig.of(data, kind=kind, width=32, dropout=0.0)
    )
    pairs = torch.cartesian_prod(torch.arange(n_tfs), torch.arange(4 * n_genes // 5)).T
    labels = torch.tensor([float(tuple(pair) in truth) for pair in pairs.T.tolist()])
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(200):
        logits = model(data.x_dict, data.edge_index_dict, pairs)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model.eval()


def share_found(model, data, edges, *, method):
    """Return how often the peak near the gene whose binding contributes most is the planted one."""
    hits = []
    for (tf, gene), planted in edges.items():
        found = asked(model, data, (f"tf{tf}", f"gene{gene}"), method=method).edges
        of_tf = found[(found["type"] == "tf binds peak") & (found["source"] == f"tf{tf}")]
        near = found.loc[
            (found["type"] == "peak near gene") & (found["target"] == f"gene{gene}"), "source"
        ]
        scores = of_tf.set_index("target")["contribution"].reindex(near).fillna(0.0)
        hits.append(scores.idxmax() == planted)
    return float(np.mean(hits))


@pytest.mark.parametrize("kind", ["sage"])
def test_the_planted_peak_is_found_and_deleting_edges_shows_it(kind):
    data, truth = open_sites()
    model = learnt(data, truth, kind)
    unseen = {pair: peak for pair, peak in truth.items() if pair[1] >= 94}
    found = share_found(model, data, unseen, method="integrated_gradients")
    control = share_found(gn.explain.randomised(model), data, unseen, method="saliency")
    assert found >= 0.7
    assert found >= control
    areas, alike = [], []
    for tf, gene in list(unseen)[:5]:
        pair = (f"tf{tf}", f"gene{gene}")
        ours = asked(model, data, pair)
        curve = gn.explain.faithfulness(model, data, ours, n_steps=6, n_random=5)
        areas.append(curve["area"].iloc[-1])
        alike.append(ours.agreement(asked(gn.explain.randomised(model, seed=1), data, pair)))
    assert np.mean(areas) > 0
    assert np.mean(np.array(areas) > 0) >= 0.6
    assert np.abs(np.mean(alike)) < 0.5
