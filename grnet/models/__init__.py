"""Neural networks: plain ``nn.Module``s, each with a frozen config above it."""

from grnet.models._byte_pairs import BytePairTokens
from grnet.models._kmers import KmerTokens
from grnet.models._published import load_published
from grnet.models._tokens import Tokens
from grnet.models.chromatin import ChromatinTransformer, ChromatinTransformerConfig
from grnet.models.encoders import EdgeModel, EdgeModelConfig, GraphEncoder
from grnet.models.ensemble import Ensemble, EnsembleConfig
from grnet.models.expression import (
    ExpressionReadOut,
    ExpressionTransformer,
    ExpressionTransformerConfig,
)
from grnet.models.gapped import GappedKmers, GappedKmersConfig
from grnet.models.hmm import MarkHMM, MarkHMMConfig
from grnet.models.joint import JointModel, JointModelConfig
from grnet.models.language import (
    DNALanguageModel,
    DNALanguageModelConfig,
    SequenceTransformer,
    SequenceTransformerConfig,
)
from grnet.models.methylation import MethylationModel, MethylationModelConfig
from grnet.models.motif_cnn import MotifCNN, MotifCNNConfig
from grnet.models.motif_scanner import MotifScanner, MotifScannerConfig
from grnet.models.prediction import predict
from grnet.models.sequence import (
    DilatedCNN,
    DilatedCNNConfig,
    SequenceCNN,
    SequenceCNNConfig,
    SequenceCNNLSTM,
    SequenceCNNLSTMConfig,
)
from grnet.models.storage import load, save

__all__ = [
    "BytePairTokens",
    "ChromatinTransformer",
    "ChromatinTransformerConfig",
    "DNALanguageModel",
    "DNALanguageModelConfig",
    "DilatedCNN",
    "DilatedCNNConfig",
    "EdgeModel",
    "EdgeModelConfig",
    "Ensemble",
    "EnsembleConfig",
    "ExpressionReadOut",
    "ExpressionTransformer",
    "ExpressionTransformerConfig",
    "GappedKmers",
    "GappedKmersConfig",
    "GraphEncoder",
    "JointModel",
    "JointModelConfig",
    "KmerTokens",
    "MarkHMM",
    "MarkHMMConfig",
    "MethylationModel",
    "MethylationModelConfig",
    "MotifCNN",
    "MotifCNNConfig",
    "MotifScanner",
    "MotifScannerConfig",
    "SequenceCNN",
    "SequenceCNNConfig",
    "SequenceCNNLSTM",
    "SequenceCNNLSTMConfig",
    "SequenceTransformer",
    "SequenceTransformerConfig",
    "Tokens",
    "load",
    "load_published",
    "predict",
    "save",
]
