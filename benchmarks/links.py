"""Time and peak memory of peak-gene links by correlation with a matched-background null.

``python -m benchmarks.links`` prints a table and writes ``benchmarks/results/links.csv``. The
matrices are made up: the work depends on their size and density alone. Peaks and genes are spread
over a genome of a third of the human one, for real peaks crowd around genes.
"""

from typing import Annotated, Any

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp
import typer
from mudata import MuData

import grnet as gn
from benchmarks._cost import cost
from benchmarks._runs import RESULTS
from benchmarks._tables import machine, markdown, warn_unless_idle

GENOME, CHROMOSOMES = 1_000_000_000, 23
REACH = 250_000
ASKED_SECONDS = 120.0


def places(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return sorted random places, chromosomes of equal length."""
    length = GENOME // CHROMOSOMES
    at = np.sort(rng.choice(GENOME - 1_000, n, replace=False))
    chrom = np.char.add("chr", (1 + at // length).astype(str)).astype(object)
    return pd.DataFrame({"chrom": chrom, "start": at % length, "end": at % length + 500})


def noise(n_cells: int, n_features: int, *, density: float, seed: int) -> sp.csr_matrix:
    """Return counts of which a share is not 0, more in deep cells and common features."""
    rng = np.random.default_rng(seed)
    entries = int(n_cells * n_features * density)
    cells = rng.choice(n_cells, entries, p=share(rng, n_cells))
    features = rng.choice(n_features, entries, p=share(rng, n_features))
    counts = np.ones(entries, dtype=np.float32)
    return sp.csr_matrix((counts, (cells, features)), shape=(n_cells, n_features))


def share(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return uneven parts of one."""
    parts = rng.lognormal(0, 0.5, n)
    return parts / parts.sum()


def multiome(n_cells: int, n_peaks: int, n_genes: int) -> tuple[MuData, pd.DataFrame]:
    """Return unrelated modalities and the annotation of the genes."""
    rng = np.random.default_rng(0)
    peaks = places(n_peaks, rng)
    genes = places(n_genes, rng)
    genes = genes.assign(tss=genes["start"], strand="+", gene=[f"g{i}" for i in range(n_genes)])
    names = peaks["chrom"] + ":" + peaks["start"].astype(str) + "-" + peaks["end"].astype(str)
    cells = pd.DataFrame(index=[f"cell{i}" for i in range(n_cells)])
    atac, rna = (
        noise(n_cells, n_peaks, density=0.1, seed=1),
        noise(n_cells, n_genes, density=0.3, seed=2),
    )
    modalities = {
        "rna": ad.AnnData(rna, obs=cells, var=pd.DataFrame(index=genes["gene"].to_numpy())),
        "atac": ad.AnnData(atac, obs=cells, var=pd.DataFrame(index=names.to_numpy())),
    }
    return MuData(modalities), genes


def main(
    *,
    cells: Annotated[int, typer.Option(help="Cells or metacells.")] = 2_000,
    peaks: Annotated[int, typer.Option(help="Peaks.")] = 100_000,
    genes: Annotated[int, typer.Option(help="Genes.")] = 5_000,
    permutations: Annotated[int, typer.Option(help="Background peaks of each pair.")] = 1_000,
    repeats: Annotated[int, typer.Option(help="Runs of each method.")] = 3,
) -> None:
    """Time all ways to link peaks and genes."""
    warn_unless_idle()
    print(f"{machine()}; {repeats} rounds\n")
    mdata, annotation = multiome(cells, peaks, genes)
    rows: list[dict[str, Any]] = []
    for turn in range(repeats):
        for method in ("distance", "correlation", "rank_correlation"):
            made = cost(
                lambda method=method: gn.cis.link_peaks(
                    mdata,
                    annotation,
                    method=method,
                    max_distance=REACH,
                    n_permutations=permutations,
                )
            )
            rows.append(
                {
                    "method": method,
                    "round": turn + 1,
                    "links": len(made.result),
                    "seconds": made.seconds,
                    "peak MB": made.peak_mb,
                    "of it added MB": made.peak_mb - made.loaded_mb,
                }
            )
    frame = pd.DataFrame(rows)
    RESULTS.mkdir(parents=True, exist_ok=True)
    frame.to_csv(RESULTS / "links.csv", index=False)
    table = frame.groupby("method", sort=False).median().drop(columns="round")
    print(f"{peaks:,} peaks x {genes:,} genes, {cells:,} cells, {permutations:,} permutations\n")
    print(markdown(table))
    print(
        f"\n- correlation: {table.loc['correlation', 'seconds']:.1f} s "
        f"(asked: under {ASKED_SECONDS:g} at the sizes of the defaults)."
    )


if __name__ == "__main__":
    typer.run(main)
