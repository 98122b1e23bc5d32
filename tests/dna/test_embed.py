"""Vectors of k-mers: repeatable, and alike where the k-mers keep the same company."""

import gzip
import subprocess
import sys

import numpy as np
import pytest
import torch

import grnet as gn
from grnet.dna.embed import Sentences

pytest.importorskip("gensim")


@pytest.fixture(scope="module")
def random_codes():
    return np.random.default_rng(0).integers(0, 4, (80, 60)).astype(np.uint8)


@pytest.fixture(scope="module")
def embedding(random_codes):
    return gn.dna.KmerEmbedding.train(random_codes, k=3, size=8, epochs=1)


def test_bases_that_stand_for_each_other_have_like_vectors():
    rng = np.random.default_rng(0)
    either = np.where(rng.random((300, 40)) < 0.5, 0, 1)
    codes = np.where(np.arange(40) % 4 < 2, either, np.tile([0, 0, 3, 2], 10)).astype(np.uint8)
    embedding = gn.dna.KmerEmbedding.train(codes, k=1, size=8, epochs=10, window=2)
    # A or C, then TG; on the other strand CA, then G or T
    nearest = {base: embedding.similar(base, n=1).index[0] for base in "ACGT"}
    assert nearest == {"A": "C", "C": "A", "G": "T", "T": "G"}


def test_what_does_not_occur_has_no_vector():
    embedding = gn.dna.KmerEmbedding.train(gn.dna.to_codes("AAAANC"), k=2, size=4)
    seen = gn.dna.kmer_tokens(gn.dna.to_codes(["AA", "TT"]), 2)[:, 0]
    assert np.flatnonzero(embedding.matrix.any(axis=1)).tolist() == seen.tolist()


def test_the_same_seed_gives_the_same_vectors_in_any_process(random_codes, embedding, tmp_path):
    np.save(tmp_path / "codes.npy", random_codes)
    code = (
        "import numpy as np, grnet as gn, sys; "
        "codes = np.load(sys.argv[1]); "
        "gn.dna.KmerEmbedding.train(codes, k=3, size=8, epochs=1).save(sys.argv[2])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "codes.npy"), str(tmp_path / "k")]
    subprocess.run(command, check=True, env={"PYTHONHASHSEED": "7"})
    np.testing.assert_array_equal(
        gn.dna.KmerEmbedding.load(tmp_path / "k").matrix, embedding.matrix
    )
    state = np.random.get_state()[1].copy()  # noqa: NPY002 - it is the global state that is watched
    other = gn.dna.KmerEmbedding.train(random_codes, k=3, size=8, epochs=1, seed=1)
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002
    assert (other.matrix != embedding.matrix).any()


def test_sentences_are_the_stretches_of_both_strands():
    codes = gn.dna.to_codes(["AACGNTT", "ACNNNNN"])
    sentences = list(Sentences(codes, 2))
    assert sentences == [["AA", "AC", "CG"], ["TT"], ["AA"], ["CG", "GT", "TT"], ["AC"], ["GT"]]


def test_long_sequences_are_cut_where_gensim_would_drop_the_rest():
    sentences = list(Sentences(np.zeros((1, 25_001), dtype=np.uint8), 2))
    assert [len(sentence) for sentence in sentences] == [10_000, 10_000, 5000] * 2


def test_the_mean_vector_is_that_of_the_known_words(embedding):
    codes = gn.dna.to_codes(["ACGTNACG", "NNNNNNNN"])
    mean = embedding.embed_sequences(codes)
    tokens = gn.dna.kmer_tokens(codes[0], 3)
    np.testing.assert_allclose(mean[0], embedding.matrix[tokens[tokens >= 0]].mean(0), rtol=1e-5)
    assert not mean[1].any()


def test_the_matrix_is_a_first_layer(embedding):
    codes = np.random.default_rng(1).integers(0, 5, (4, 20)).astype(np.uint8)
    tokens = torch.from_numpy(embedding.tokens(codes))
    expected = torch.nn.Embedding.from_pretrained(torch.from_numpy(embedding.matrix))(tokens)
    for trainable in (True, False):
        layer = embedding.layer(trainable=trainable)
        assert [p.requires_grad for p in layer.parameters()] == [trainable]
        torch.testing.assert_close(layer(torch.from_numpy(codes)), expected.transpose(1, 2))
    network = torch.nn.Sequential(embedding.layer(), torch.nn.Conv1d(8, 2, 5))
    network(torch.from_numpy(codes)).sum().backward()
    assert network[0].vectors.weight.grad.any()
    before = embedding.matrix.copy()
    with torch.no_grad():
        network[0].vectors.weight.zero_()
    np.testing.assert_array_equal(embedding.matrix, before)


def test_files_come_back(embedding, tmp_path):
    embedding.save(tmp_path / "new" / "k.safetensors")
    back = gn.dna.KmerEmbedding.load(tmp_path / "new" / "k.safetensors")
    assert back.k == 3
    np.testing.assert_array_equal(back.matrix, embedding.matrix)
    from safetensors.numpy import save_file

    save_file({"x": np.zeros(2)}, tmp_path / "other")
    with pytest.raises(ValueError, match=r"holds no k-mer embedding.*KmerEmbedding\.save"):
        gn.dna.KmerEmbedding.load(tmp_path / "other")


def test_what_is_wrong_is_told(embedding, monkeypatch):
    with pytest.raises(ValueError, match=r"shape \(64, 2\).*Expected 65 rows for k=3"):
        gn.dna.KmerEmbedding(3, np.zeros((64, 2), dtype=np.float32))
    with pytest.raises(ValueError, match="no 3-mer without N"):
        gn.dna.KmerEmbedding.train(gn.dna.to_codes("ACNGT"), k=3)
    for word in ("AC", "ANA", "ACGT"):
        with pytest.raises(ValueError, match=f"'{word}' is no 3-mer"):
            embedding.similar(word)
    monkeypatch.setitem(sys.modules, "gensim.models", None)
    with pytest.raises(ImportError, match=r"pip install 'grnet\[embed\]'"):
        gn.dna.KmerEmbedding.train(gn.dna.to_codes("ACGT"), k=3)


def test_vectors_of_real_sequences_tell_bound_from_unbound(real_data):
    """Mean vectors beat chance by far on sequences that no vector was trained on."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    def read(part):
        with gzip.open(real_data / "seq" / "fastsk" / f"CTCF.{part}.fasta.gz", "rt") as file:
            lines = file.read().split()
        truth = np.array([int(line[1:]) for line in lines[::2]])
        return gn.dna.to_codes(lines[1::2])[::4], truth[::4]

    codes, truth = read("train")
    embedding = gn.dna.KmerEmbedding.train(codes[::3], k=4, size=32, epochs=2)
    model = LogisticRegression(C=100, max_iter=2000).fit(embedding.embed_sequences(codes), truth)
    test, expected = read("test")
    scores = model.predict_proba(embedding.embed_sequences(test))[:, 1]
    assert roc_auc_score(expected, scores) > 0.6
