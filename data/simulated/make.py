"""Write the shipped simulated set: run `python data/simulated/make.py` in the project's root."""

from pathlib import Path

import grnet as gn

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Simulate the cells and write counts and planted edges."""
    adata = gn.datasets.simulate(n_cells=600, n_genes=300, n_tfs=30, seed=0)
    adata.write_h5ad(HERE / "counts.h5ad", compression="gzip", compression_opts=9)
    gn.datasets.truth(adata).to_csv(HERE / "truth.csv", index=False, float_format="%.6g")


if __name__ == "__main__":
    main()
