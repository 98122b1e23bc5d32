"""Real data of the evaluation's tests."""

import anndata as ad
import pandas as pd
import pytest


@pytest.fixture(scope="session")
def mdc(real_data):
    """BEELINE's mouse dendritic cells: expression, TFs and the files of known edges."""
    folder = real_data / "grn" / "mdc"
    table = pd.read_csv(folder / "expression.csv.gz", index_col=0)
    adata = ad.AnnData(table.T)
    tfs = (folder / "tfs.txt").read_text().split()
    names = ("string", "nonspecific_chip", "chip", "knockdown")
    return adata, tfs, {name: folder / f"truth_{name}.csv.gz" for name in names}
