"""What the training pairs give away of the pairs held out."""

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from grnet.train.rates import label_log_odds


def row(train: pd.DataFrame, held: pd.DataFrame) -> dict[str, float]:
    """Return the figures of :meth:`EdgeSplit.audit` for one part."""
    trained = set(zip(train["source"], train["target"], strict=True))
    pairs = list(zip(held["source"], held["target"], strict=True))
    rates = [label_log_odds(train, held, end=end) for end in ("source", "target")]
    return {
        "n": len(held),
        "n_positive": int(held["label"].sum()),
        "tfs_seen": float(held["source"].isin(train["source"]).mean()),
        "targets_seen": float(held["target"].isin(train["target"]).mean()),
        "in_train": sum(pair in trained for pair in pairs),
        "reverse_in_train": sum((target, source) in trained for source, target in pairs),
        "auroc_tf_rate": auroc(held, rates[0]),
        "auroc_target_rate": auroc(held, rates[1]),
        "auroc_rates": auroc(held, rates[0] + rates[1]),
    }


def auroc(held: pd.DataFrame, score: np.ndarray) -> float:
    """Return the AUROC of a score, NaN where only one label is there."""
    if held["label"].nunique() < 2:
        return float("nan")
    return float(roc_auc_score(held["label"], score))
