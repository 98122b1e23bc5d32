"""One call from labelled sequences to a classifier, with positives that are rare."""

import numpy as np
import pytest

import grnet as gn

SETTINGS = gn.train.FitSettings(max_epochs=6, batch_size=32, learning_rate=1e-2)


def rare(n=900, every=15, seed=0):
    """Return sequences of which one in ``every`` has a site."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (n, 50)).astype(np.uint8)
    labels = (np.arange(n) % every == 0).astype(np.float32)
    codes[labels > 0, 20:29] = gn.dna.to_codes("TGACTCATG")
    return gn.train.SequenceData(codes, labels)


@pytest.mark.parametrize("balance", ["weights", "sampler"])
def test_probabilities_stay_those_of_the_data_where_training_was_balanced(balance):
    train, held, test = rare(seed=1), rare(seed=2), rare(seed=3)
    done = gn.train.classify(
        train, validation=held, method="motif_cnn", balance=balance, settings=SETTINGS
    )
    guess = gn.models.predict(done.model, test.codes)[:, 0]
    assert gn.train.task_scores(test.labels, guess[:, None])["auprc"].iloc[0] > 0.8
    assert guess.mean() == pytest.approx(test.labels.mean(), abs=0.05)
    assert done.metrics["calibration_error"] < 0.1


def test_training_starts_at_the_share_of_positives():
    data = rare()
    slow = gn.train.FitSettings(max_epochs=1, learning_rate=1e-9)
    done = gn.train.classify(data, validation=rare(seed=2), method="motif_cnn", settings=slow)
    guess = gn.models.predict(done.model, data.codes)
    assert np.median(guess) == pytest.approx(data.labels.mean(), abs=0.03)


def test_an_ensemble_is_a_network_and_gapped_kmers():
    data = rare(300, every=2)
    quick = gn.train.FitSettings(max_epochs=1)
    done = gn.train.classify(data, settings=quick, method="ensemble")
    kinds = [type(member).__name__ for member in done.model.members]
    assert kinds == ["MotifCNN", "GappedKmers"]


def test_unknown_methods_and_balances_are_told():
    with pytest.raises(ValueError, match=r"motif_cnn, cnn.*gapped_kmers"):
        gn.train.classify(rare(), method="forest")
    with pytest.raises(ValueError, match="weights, sampler"):
        gn.train.classify(rare(), balance="sample")
