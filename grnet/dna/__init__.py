"""From sequences to numbers: codes, one-hot tensors, k-mers; negatives, shuffles, augmentation."""

from grnet.dna.augment import Augmentation, motif_mask, mutagenise
from grnet.dna.embed import KmerEmbedding
from grnet.dna.encode import (
    Packed,
    from_one_hot,
    one_hot,
    pack_2bit,
    reverse_complement,
    to_codes,
    to_text,
    unpack_2bit,
)
from grnet.dna.kmer_graphs import kmer_graph_features
from grnet.dna.kmers import kmer_counts, kmer_names, kmer_tokens
from grnet.dna.sample import dinucleotide_shuffle, matched_negatives

__all__ = [
    "Augmentation",
    "KmerEmbedding",
    "Packed",
    "dinucleotide_shuffle",
    "from_one_hot",
    "kmer_counts",
    "kmer_graph_features",
    "kmer_names",
    "kmer_tokens",
    "matched_negatives",
    "motif_mask",
    "mutagenise",
    "one_hot",
    "pack_2bit",
    "reverse_complement",
    "to_codes",
    "to_text",
    "unpack_2bit",
]
