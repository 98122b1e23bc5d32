"""Graphs: TFs, peaks and genes, sequences and regions, as PyG's ``HeteroData``."""

from grnet.graph._features import features
from grnet.graph._motifs import motifs_of
from grnet.graph._profiles import Profiles, profiles
from grnet.graph.building import build
from grnet.graph.conversion import from_networkx, to_networkx
from grnet.graph.drawing import draw
from grnet.graph.evidence_profiles import with_evidence_profiles
from grnet.graph.pairs import PairFeatures
from grnet.graph.regions import region_graph
from grnet.graph.sequences import kmer_graph
from grnet.graph.storage import load, save
from grnet.graph.supervision import hold_out
from grnet.graph.validation import summary, validate
from grnet.graph.vocabulary import (
    ADJACENT,
    BINDS,
    COACCESSIBLE,
    COEXPRESSED,
    FOLLOWED_BY,
    GENE,
    KMER,
    NEAR,
    PEAK,
    REGULATES,
    TF,
    opposite,
)

__all__ = [  # noqa: RUF022 - in plain order, as in all packages
    "ADJACENT",
    "BINDS",
    "COACCESSIBLE",
    "COEXPRESSED",
    "FOLLOWED_BY",
    "GENE",
    "KMER",
    "NEAR",
    "PEAK",
    "PairFeatures",
    "Profiles",
    "REGULATES",
    "TF",
    "build",
    "draw",
    "features",
    "from_networkx",
    "hold_out",
    "kmer_graph",
    "load",
    "motifs_of",
    "opposite",
    "profiles",
    "region_graph",
    "save",
    "summary",
    "to_networkx",
    "validate",
    "with_evidence_profiles",
]
