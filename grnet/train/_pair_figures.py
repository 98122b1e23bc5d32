"""How well scores of labelled pairs rank the edges among them."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score


def pair_figures(pairs: pd.DataFrame, logits: npt.NDArray[np.floating]) -> dict[str, float]:
    """Return how well logits rank labelled pairs, over all and within TFs.

    Raises
    ------
    ValueError
        If no pair is an edge or all are.
    """
    label = pairs["label"].to_numpy()
    density = float(label.mean())
    if not 0 < density < 1:
        message = (
            f"{int(label.sum())} of {len(label)} pairs are edges: expected edges and others to "
            "tell apart."
        )
        raise ValueError(message)
    auprc = float(average_precision_score(label, logits))
    within = [
        average_precision_score(label[rows], logits[rows]) / label[rows].mean()
        for rows in pairs.groupby("source", sort=True).indices.values()
        if 0 < label[rows].sum() < len(rows)
    ]
    return {
        "auroc": float(roc_auc_score(label, logits)),
        "auprc": auprc,
        "density": density,
        "auprc_ratio": auprc / density,
        "auprc_ratio_within_tf": float(np.mean(within)) if within else float("nan"),
    }
