"""The catalogue of inference methods."""

import inspect

import pandas as pd

from grnet._registry import Kernel, Method, Registry
from grnet._shipped import shipped
from grnet.infer._knowledge import KNOWLEDGE
from grnet.infer.boost import boosted_gain
from grnet.infer.consensus import combined_ranks
from grnet.infer.diffusion import denoising
from grnet.infer.gnn import graph_network
from grnet.infer.joint import joint_layers
from grnet.infer.linear import clr, partial_correlation, pearson, ridge, ridge_context, spearman
from grnet.infer.shared import shared_ridge
from grnet.infer.transformer import masked_expression


def _method(
    name: str,
    kernel: Kernel,
    summary: str,
    *,
    speed: str,
    reference: str,
    compared: str | None = None,
) -> Method:
    """Describe a method; its options are the keyword arguments of its kernel."""
    given_by_driver = {"rng", "device", "reference", "contexts", *KNOWLEDGE}
    keywords = {
        option.name: option.default
        for option in inspect.signature(kernel).parameters.values()
        if option.kind is option.KEYWORD_ONLY
    }
    return Method(
        name,
        kernel,
        summary,
        signed=True,
        speed=speed,
        reference=reference,
        takes=tuple(name for name in KNOWLEDGE if name in keywords),
        options={key: value for key, value in keywords.items() if key not in given_by_driver},
        shares_contexts="contexts" in keywords,
        compared=compared,
    )


METHODS = Registry(
    _method(
        "consensus",
        combined_ranks,
        "combined ranks of partial correlation, ridge and boosting, with their agreement",
        speed="seconds",
        reference="Marbach et al. 2012, Nature Methods 9:796 (wisdom of crowds)",
    ),
    _method(
        "boost",
        boosted_gain,
        "gain in boosted trees; regulators compete for each target",
        speed="seconds",
        reference="Moerman et al. 2019, Bioinformatics 35:2159 (GRNBoost2)",
    ),
    _method(
        "partial_correlation",
        partial_correlation,
        "correlation given all other genes, from a shrunken covariance",
        speed="seconds",
        reference="Schäfer and Strimmer 2005, Stat Appl Genet Mol Biol 4:32",
    ),
    _method(
        "diffusion",
        denoising,
        "what a regulator adds to the denoising of a target, by the optimal linear denoiser",
        speed="seconds",
        reference="Zhu and Slonim 2024, J Comput Biol 31:1087 (RegDiffusion); here in closed form",
    ),
    _method(
        "gnn",
        graph_network,
        "graph network and trees on known edges; without known= a network learns ridge's penalties",
        speed="minutes",
        reference="Hamilton et al. 2017, NeurIPS 30 (GraphSAGE); as EdgeModel, here",
        compared="pearson",
    ),
    _method(
        "joint",
        joint_layers,
        "expression, graph and DNA on known edges, weighed; without known= their mean rank",
        speed="minutes",
        reference="as JointModel, here",
        compared="pearson",
    ),
    _method(
        "transformer",
        masked_expression,
        "what regulators add to the predictions of hidden genes by a transformer",
        speed="minutes",
        reference="Gorishniy et al. 2021, NeurIPS 34:18932 (tokens); trained on the cells at hand",
        compared="pearson",
    ),
    _method(
        "ridge",
        ridge,
        "coefficient of each regulator in a ridge regression on all regulators",
        speed="seconds",
        reference="Hoerl and Kennard 1970, Technometrics 12:55",
    ),
    _method(
        "ridge_context",
        ridge_context,
        "ridge coefficient against the background of regulator and target",
        speed="seconds",
        reference="Faith et al. 2007, PLoS Biology 5:e8, on ridge coefficients",
    ),
    _method(
        "shared_ridge",
        shared_ridge,
        "ridge coefficients of cell groups or windows of pseudotime that borrow from each other",
        speed="seconds",
        reference="Evgeniou and Pontil 2004, KDD 10:109 (a shared model and deviations from it)",
    ),
    _method(
        "clr",
        clr,
        "correlation or mutual information against the background of both genes",
        speed="seconds",
        reference="Faith et al. 2007, PLoS Biology 5:e8",
    ),
    _method(
        "pearson",
        pearson,
        "linear correlation",
        speed="seconds",
        reference="Pearson 1895, Proc R Soc Lond 58:240",
    ),
    _method(
        "spearman",
        spearman,
        "correlation of ranks",
        speed="seconds",
        reference="Spearman 1904, Am J Psychol 15:72",
    ),
)
"""Every method that :func:`grnet.infer.network` knows."""


def method_table() -> pd.DataFrame:
    """Return the catalogue with the accuracy and time measured by ``benchmarks/accuracy.py``."""
    measured = pd.read_csv(shipped("measured", "methods.csv"), index_col="method")
    return METHODS.frame().join(measured)
