"""Every key that grnet writes into an AnnData object, in one place."""

NETWORK = "grnet"
"""``uns``: a network stored by ``GRN.to_adata``."""

PARAMS = "grnet_params"
"""``uns``: what the ``pp`` functions did to the matrix."""

SOURCE = "grnet_source"
"""``uns``: the file that was read, its format and the choices made while reading."""

COUNTS = "counts"
"""``layers``: raw counts kept by ``pp.normalize``."""

METACELL = "metacell"
"""``obs``: the metacell of each cell."""

N_CELLS = "n_cells"
"""``obs``: how many cells make up a metacell."""

CELL_TYPE = "cell_type"
"""``obs``: the cell type of a simulated cell."""

TRUTH = "grnet_truth"
"""``uns``: the planted edges of a simulated data set."""

FRAGMENTS = "grnet_fragments"
"""``uns``: lengths of fragments and the profile of insertions around start sites."""

X_LSI, LSI_LOADINGS, LSI = "X_lsi", "LSI", "lsi"
"""``obsm``, ``varm`` and ``uns``: latent semantic indexing of accessibility."""
