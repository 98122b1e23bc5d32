"""grnet: from multi-omics data to a gene regulatory network that can be trusted.

The packages read as the pipeline: ``io`` (files), ``pp`` (preparation), ``dna`` (from
letters to tensors), ``cis`` (from DNA and peaks to genes), ``models`` (networks of neurons) and
``train`` (their training), ``explain`` (what they look at), ``graph`` (all of it as one graph),
``infer`` (networks of genes), ``evaluate`` (scores beside nulls), ``pl`` (pictures), ``datasets``
(data with known truth).
They load on first use, so that ``import grnet`` costs nothing.
"""

from typing import TYPE_CHECKING

from grnet._lazy import load_on_first_use

if TYPE_CHECKING:
    from grnet import (
        cis,
        datasets,
        dna,
        evaluate,
        explain,
        graph,
        infer,
        io,
        models,
        pl,
        pp,
        train,
    )
    from grnet._environment import doctor
    from grnet.grn import GRN

__version__ = "0.1.0"

__all__ = [
    "GRN",
    "cis",
    "datasets",
    "dna",
    "doctor",
    "evaluate",
    "explain",
    "graph",
    "infer",
    "io",
    "models",
    "pl",
    "pp",
    "train",
]

__getattr__, __dir__ = load_on_first_use(
    __name__,
    {
        "GRN": "grnet.grn",
        "doctor": "grnet._environment",
        "cis": None,
        "datasets": None,
        "dna": None,
        "evaluate": None,
        "explain": None,
        "graph": None,
        "infer": None,
        "io": None,
        "models": None,
        "pl": None,
        "pp": None,
        "train": None,
    },
)
