"""A small multiome with a genome, links, bindings and known edges."""

from dataclasses import dataclass

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import grnet as gn
from grnet import _intervals
from grnet.io.genome import Genome

N_CELLS, N_GENES, N_PEAKS = 60, 24, 40
TFS = ["TF1", "TF2", "TF3"]


@dataclass(frozen=True)
class Small:
    mdata: md.MuData
    genome: Genome
    links: pd.DataFrame
    bindings: pd.DataFrame
    known: pd.DataFrame

    @property
    def tables(self):
        return {"links": self.links, "bindings": self.bindings, "known": self.known}


@pytest.fixture(scope="session")
def small() -> Small:
    rng = np.random.default_rng(0)
    genes = [*TFS, *(f"G{i}" for i in range(N_GENES - len(TFS)))]
    cells = [f"cell{i}" for i in range(N_CELLS)]
    state = rng.random((N_CELLS, 3))
    regions = pd.DataFrame({"chrom": ["chr1", "chr2"] * (N_PEAKS // 2)})
    regions["start"] = np.arange(N_PEAKS) * 500 + 100
    regions["end"] = regions["start"] + rng.integers(100, 300, N_PEAKS)
    regions.index = _intervals.names(regions)
    letters = np.array(list("ACGTacgt"))
    sequences = {chrom: "".join(rng.choice(letters, 21_000)) for chrom in ("1", "2")}
    annotation = pd.DataFrame({"gene": genes, "chrom": ["1", "2"] * (N_GENES // 2)})
    annotation["tss"] = np.arange(N_GENES) * 800 + 200
    annotation["strand"] = ["+", "-", "-"] * (N_GENES // 3)
    rna = rng.poisson(np.exp(state @ rng.normal(size=(3, N_GENES))))
    atac = rng.poisson(0.3 * np.exp(state @ rng.normal(size=(3, N_PEAKS))))
    obs = pd.DataFrame(index=cells)
    mods = {
        "rna": ad.AnnData(sp.csr_matrix(rna.astype(np.float32)), obs, pd.DataFrame(index=genes)),
        "atac": ad.AnnData(sp.csr_matrix(atac.astype(np.float32)), obs.copy(), regions),
    }
    links = pd.DataFrame({"peak": rng.choice(regions.index, 60), "gene": rng.choice(genes, 60)})
    links = links.drop_duplicates(ignore_index=True)
    links["distance"] = rng.integers(-5_000, 5_000, len(links))
    links["weight"] = np.exp(-links["distance"].abs() / 2_000)
    bindings = pd.DataFrame({"tf": rng.choice(TFS, 50), "peak": rng.choice(regions.index, 50)})
    bindings = bindings.drop_duplicates(ignore_index=True)
    bindings = bindings.assign(weight=rng.random(len(bindings)) + 0.01, motif=np.nan)
    bindings["chip"] = bindings["weight"]
    pairs = [(tf, gene) for tf in TFS for gene in genes if tf != gene and rng.random() < 0.5]
    known = pd.DataFrame([*pairs, ("TF1", "TF1")], columns=["source", "target"])
    known = known.drop_duplicates()
    known["weight"] = rng.normal(size=len(known))
    genome = Genome.from_sequences(sequences, annotation=annotation)
    return Small(md.MuData(mods), genome, links, bindings, known)


@pytest.fixture
def graph(small):
    return gn.graph.build(small.mdata, **small.tables, n_components=5, n_neighbours=3)
