"""Which classes a file of a model may name: the catalogue is a value."""

import importlib
from dataclasses import fields
from typing import Any

from torch import nn

from grnet import _checks

HOMES = {
    "ChromatinTransformer": "grnet.models.chromatin",
    "EdgeModel": "grnet.models.encoders",
    "Ensemble": "grnet.models.ensemble",
    "ExpressionTransformer": "grnet.models.expression",
    "GappedKmers": "grnet.models.gapped",
    "JointModel": "grnet.models.joint",
    "DNALanguageModel": "grnet.models.language",
    "DilatedCNN": "grnet.models.sequence",
    "MarkHMM": "grnet.models.hmm",
    "MethylationModel": "grnet.models.methylation",
    "MotifCNN": "grnet.models.motif_cnn",
    "MotifScanner": "grnet.models.motif_scanner",
    "SequenceCNN": "grnet.models.sequence",
    "SequenceCNNLSTM": "grnet.models.sequence",
    "SequenceTransformer": "grnet.models.language",
}
"""From the name of a model to the module that holds it and its config, ``<name>Config``."""


def classes(name: str) -> tuple[type[nn.Module], type[Any]]:
    """Return a model's class and its config's class."""
    home = importlib.import_module(HOMES[_checks.one_of(name, tuple(HOMES), "model")])
    return getattr(home, name), getattr(home, f"{name}Config")


def built(name: str, values: dict[str, Any]) -> nn.Module:
    """Make a model from the plain values of its config, as JSON holds them."""
    model, config = classes(name)
    known = {field.name for field in fields(config)}
    unknown = [key for key in values if key not in known]
    if unknown:
        message = (
            f"{config.__name__} has no field {_checks.examples(unknown)}; its fields are "
            f"{_checks.examples(sorted(known), len(known))}. The file was written by another grnet."
        )
        raise ValueError(message)
    plain = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
    return model(config(**plain))
