"""grnet: from multi-omics data to a gene regulatory network that can be trusted.

The packages read as the pipeline: ``io`` (files), ``pp`` (preparation), ``cis`` (from DNA and
peaks to genes), ``graph`` (all of it as one graph), ``infer`` (networks), ``evaluate`` (scores
beside nulls), ``pl`` (pictures), ``datasets`` (data with known truth).
They load on first use, so that ``import grnet`` costs nothing.
"""

from typing import TYPE_CHECKING

from grnet._lazy import load_on_first_use

if TYPE_CHECKING:
    from grnet import cis, datasets, evaluate, graph, infer, io, pl, pp
    from grnet._environment import doctor
    from grnet.grn import GRN

__version__ = "0.1.0"

__all__ = ["GRN", "cis", "datasets", "doctor", "evaluate", "graph", "infer", "io", "pl", "pp"]

__getattr__, __dir__ = load_on_first_use(
    __name__,
    {
        "GRN": "grnet.grn",
        "doctor": "grnet._environment",
        "cis": None,
        "datasets": None,
        "evaluate": None,
        "graph": None,
        "infer": None,
        "io": None,
        "pl": None,
        "pp": None,
    },
)
