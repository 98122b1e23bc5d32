"""Balance: weights, losses, orders and new points, each against its definition."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional
from torch.utils.data import DataLoader

import grnet as gn

RARE = np.repeat([1, 0], [20, 980])


def test_positive_weights_make_both_sums_equal_in_every_task():
    rng = np.random.default_rng(0)
    labels = (rng.random((500, 3)) < [0.5, 0.1, 0.02]).astype(float)
    labels[rng.random(labels.shape) < 0.3] = np.nan
    weights = gn.train.class_weights(labels)
    np.testing.assert_allclose(weights * (labels == 1).sum(0), (labels == 0).sum(0), rtol=1e-6)


def test_weights_of_classes_are_those_of_scikit_learn():
    labels = np.random.default_rng(0).choice(4, 300, p=[0.6, 0.3, 0.07, 0.03])
    expected = compute_class_weight("balanced", classes=np.arange(4), y=labels)
    np.testing.assert_allclose(gn.train.class_weights(labels, head="multiclass"), expected)


def test_a_task_of_one_class_has_weight_one():
    assert gn.train.class_weights(np.array([[0, 1], [0, 1]])).tolist() == [1, 1]
    weights = gn.train.class_weights(np.array([0, 0, 2]), head="multiclass")
    assert weights.tolist() == pytest.approx([0.5, 1, 1])


@pytest.mark.parametrize(
    ("labels", "head", "text"),
    [
        ([0, 2], "binary", "Expected 0, 1 and NaN.*head='multiclass'"),
        ([0.5, 1], "multiclass", "'0.5'.*numbers of classes"),
        ([np.nan, np.nan], "binary", "not all of them NaN"),
        (np.zeros((2, 2, 2)), "binary", r"shape \(2, 2, 2\)"),
        ([0, 1], "both", "Unknown head 'both'"),
    ],
)
def test_other_labels_are_refused(labels, head, text):
    with pytest.raises(ValueError, match=text):
        gn.train.class_weights(np.array(labels), head=head)


def logits_and_targets(seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = 4 * torch.randn((30, 3), generator=generator, dtype=torch.float64)
    targets = (torch.rand((30, 3), generator=generator) < 0.3).double()
    return logits, targets


def test_focal_loss_is_its_definition():
    logits, targets = logits_and_targets()
    p = torch.sigmoid(logits)
    right = torch.where(targets == 1, p, 1 - p)
    weight = torch.where(targets == 1, 0.25, 0.75)
    expected = -weight * (1 - right) ** 1.5 * right.log()
    found = gn.train.focal_loss(logits, targets, gamma=1.5, alpha=0.25, reduction="none")
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(
        gn.train.focal_loss(logits, targets, gamma=1.5, alpha=0.25), expected.mean()
    )
    torch.testing.assert_close(
        gn.train.FocalLoss(gamma=1.5, alpha=0.25)(logits, targets), expected.mean()
    )


def test_without_gamma_it_is_the_cross_entropy():
    logits, targets = logits_and_targets()
    expected = functional.binary_cross_entropy_with_logits(logits, targets)
    torch.testing.assert_close(gn.train.focal_loss(logits, targets, gamma=0.0), expected)
    half = gn.train.focal_loss(logits, targets, gamma=0.0, alpha=0.5)
    torch.testing.assert_close(half, expected / 2)


def test_unknown_targets_count_for_nothing_and_get_no_gradient():
    logits, targets = logits_and_targets()
    hidden = targets.clone()
    hidden[::2] = torch.nan
    logits.requires_grad_()
    loss = gn.train.focal_loss(logits, hidden)
    torch.testing.assert_close(loss, gn.train.focal_loss(logits[1::2], targets[1::2]))
    loss.backward()
    assert not logits.grad[::2].any()
    assert logits.grad[1::2].all()
    assert gn.train.focal_loss(logits, torch.full_like(logits, torch.nan)).item() == 0


def test_wild_logits_give_finite_losses_and_gradients():
    logits = torch.tensor([-200.0, -90.0, 0.0, 90.0, 200.0]).repeat(2).requires_grad_()
    targets = torch.tensor([0.0] * 5 + [1.0] * 5)
    gn.train.focal_loss(logits, targets, gamma=0.5).backward()
    assert logits.grad.isfinite().all()


def test_shapes_have_to_agree():
    with pytest.raises(ValueError, match=r"\(3, 1\), the targets \(3,\)"):
        gn.train.focal_loss(torch.zeros(3, 1), torch.zeros(3))


def test_classes_come_equally_often_and_the_small_one_in_whole_rounds():
    order = gn.train.balanced_order(RARE, n=1000)
    drawn = np.bincount(order, minlength=1000)
    assert drawn[:20].tolist() == [25] * 20
    assert drawn[20:].sum() == 500
    assert drawn[20:].max() == 1
    assert len(set(RARE[order[:100]])) == 2


@given(
    st.lists(st.sampled_from([0.0, 1.0, 2.0, np.nan]), min_size=1, max_size=30),
    st.integers(0, 50),
)
def test_shares_differ_by_one_at_most(labels, n):
    values = np.array(labels)
    if np.isnan(values).all():
        with pytest.raises(ValueError, match="not all of them NaN"):
            gn.train.balanced_order(values)
        return
    drawn = values[gn.train.balanced_order(values, n=n)]
    assert len(drawn) == n
    assert not np.isnan(drawn).any()
    counts = [(drawn == number).sum() for number in np.unique(values[np.isfinite(values)])]
    assert max(counts) - min(counts) <= 1


def test_every_class_of_every_task_has_its_share():
    rng = np.random.default_rng(0)
    labels = (rng.random((2000, 2)) < [0.01, 0.3]).astype(float)
    order = gn.train.balanced_order(labels)
    assert labels[order, 0].mean() > 0.25
    assert 0.3 < labels[order, 1].mean() < 0.5


def test_orders_follow_from_seed_and_epoch():
    orders = [
        gn.train.balanced_order(RARE, seed=seed, epoch=epoch)
        for seed, epoch in ((0, 0), (0, 0), (0, 1), (1, 0))
    ]
    np.testing.assert_array_equal(orders[0], orders[1])
    assert (orders[0] != orders[2]).any()
    assert (orders[0] != orders[3]).any()


def test_a_loader_takes_the_sampler_and_each_epoch_is_another():
    sampler = gn.train.BalancedSampler(RARE, n=64, seed=2)
    loader = DataLoader(torch.arange(1000), batch_size=16, sampler=sampler)
    first = torch.cat(list(loader))
    again = torch.cat(list(loader))
    sampler.set_epoch(1)
    second = torch.cat(list(loader))
    assert len(sampler) == len(first) == 64
    torch.testing.assert_close(first, again)
    assert (first != second).any()
    expected = gn.train.balanced_order(RARE, n=64, seed=2, epoch=1)
    np.testing.assert_array_equal(second.numpy(), expected)


@given(st.integers(1, 60), st.integers(0, 9))
def test_batches_hold_every_example_once_in_the_same_proportions(size, seed):
    labels = np.repeat([0, 1, 2], [200, 70, 30])
    batches = gn.train.stratified_batches(labels, size, seed=seed)
    assert sorted(np.concatenate(batches).tolist()) == list(range(300))
    assert {len(batch) for batch in batches[:-1]} <= {size}
    for batch in batches:
        counts = np.bincount(labels[batch], minlength=3)
        np.testing.assert_allclose(counts, len(batch) * np.array([200, 70, 30]) / 300, atol=2)


def test_rows_with_the_same_labels_make_a_class():
    labels = np.array([[0, 1], [np.nan, 1]] * 50)
    for batch in gn.train.stratified_batches(labels, 10):
        assert np.isnan(labels[batch, 0]).sum() == 5
    first, other = (gn.train.stratified_batches(labels, 10, epoch=epoch)[0] for epoch in (0, 1))
    assert (first != other).any()


imblearn = pytest.importorskip("imblearn")


def clouds(n=(180, 20), seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(sum(n), 6)).astype(np.float32)
    labels = np.repeat(np.arange(len(n)), n)
    x[:, 0] += 1.5 * labels
    return x, labels


@pytest.mark.parametrize("kind", ["smote", "borderline"])
def test_new_points_lie_between_two_of_their_class(kind):
    x, labels = clouds()
    made = gn.train.smote(x, labels, kind=kind)
    assert np.bincount(made.labels).tolist() == [180, 180]
    np.testing.assert_array_equal(made.embeddings[:200], x)
    np.testing.assert_array_equal(made.labels[:200], labels)
    np.testing.assert_array_equal(made.synthetic, np.arange(360) >= 200)
    rare = x[labels == 1].astype(np.float64)
    direct = np.linalg.norm(rare[:, None] - rare, axis=-1)
    for point in made.embeddings[made.synthetic]:
        way = np.linalg.norm(rare - point, axis=-1)
        detour = way[:, None] + way - direct + 10 * np.eye(len(rare))
        assert detour.min() < 1e-4


def test_all_small_classes_are_filled_up_and_seeds_repeat():
    x, labels = clouds((50, 12, 6))
    one, other, third = (gn.train.smote(x, labels, seed=seed) for seed in (0, 0, 1))
    assert np.bincount(one.labels).tolist() == [50, 50, 50]
    np.testing.assert_array_equal(one.embeddings, other.embeddings)
    assert (one.embeddings != third.embeddings).any()


def test_a_class_of_two_has_one_neighbour():
    x, labels = clouds((30, 2))
    assert np.bincount(gn.train.smote(x, labels).labels).tolist() == [30, 30]


@pytest.mark.parametrize(
    "sequences",
    [
        gn.dna.to_codes(["ACGT"] * 30),
        gn.dna.one_hot(gn.dna.to_codes(["ACGT"] * 30)),
        gn.dna.one_hot(gn.dna.to_codes(["ACGT"] * 30)).reshape(30, -1),
        np.ones((30, 4), dtype=np.int64),
    ],
    ids=["codes", "one-hot", "flat one-hot", "whole numbers"],
)
def test_sequences_are_refused(sequences):
    labels = np.arange(30) < 5
    with pytest.raises(ValueError, match=r"Expected embeddings: floats \(N, d\)"):
        gn.train.smote(sequences, labels)


def test_labels_that_do_not_do_are_refused():
    x, labels = clouds()
    for wrong in (labels[:-1], np.zeros(200), np.arange(200) == 0):
        with pytest.raises(ValueError, match=r"two classes or more with at least two examples"):
            gn.train.smote(x, wrong)
    unknown = labels.astype(float)
    unknown[3] = np.nan
    for wrong in (unknown, np.stack([labels, labels], axis=1)):
        with pytest.raises(ValueError, match="Expected one task with all labels known"):
            gn.train.smote(x, wrong)


def test_without_imbalanced_learn_the_command_is_told(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "imblearn.over_sampling", None)
    with pytest.raises(ImportError, match=r"pip install 'grnet\[balance\]'"):
        gn.train.smote(*clouds())


def test_equal_classes_stay_with_a_line_in_the_log(caplog):
    x, labels = clouds((20, 20))
    made = gn.train.smote(x, labels)
    assert not made.synthetic.any()
    assert "made no points" in caplog.text
