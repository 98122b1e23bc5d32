"""Neural networks: plain ``nn.Module``s, each with a frozen config above it."""

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
    "DilatedCNN",
    "DilatedCNNConfig",
    "SequenceCNN",
    "SequenceCNNConfig",
    "SequenceCNNLSTM",
    "SequenceCNNLSTMConfig",
    "load",
    "predict",
    "save",
]
