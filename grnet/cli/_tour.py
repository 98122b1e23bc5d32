"""The demo: real cells, whose network nobody knows, and simulated ones, whose network is known."""

import time
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from anndata import AnnData

import grnet as gn
from grnet.cli._console import headline, shortest, show, show_edges, show_scores, step, told
from grnet.cli._files import write_picture, write_table
from grnet.cli._tour_multiome import multiome_tour
from grnet.grn import GRN

N_EDGES = 1_000
N_BOOTSTRAP = 10
TOPS = (10, 100, N_EDGES)
IN_CURVES = 3

Files = list[tuple[str, Path]]


def tour(folder: Path, *, seed: int) -> None:
    """Infer, judge, draw and write three networks; print the figures and where everything is."""
    mpl.use("agg")
    start = time.perf_counter()
    with step("Loading"):
        blood, simulated = gn.datasets.load("pbmc68k_reduced"), gn.datasets.load("simulated")
        _ = gn.infer, gn.evaluate, gn.pl
    files = _real(blood, folder / "blood", seed=seed)
    files += _simulated(simulated, folder / "simulated", seed=seed)
    files += multiome_tour(folder / "multiome", seed=seed)
    headline("Written")
    told("\n".join(f"{what:<36}{shortest(path)}" for what, path in files))
    told(f"\nDone in {time.perf_counter() - start:.0f} s. The .html pages open in any browser.")


def _real(adata: AnnData, folder: Path, *, seed: int) -> Files:
    """Infer the network of blood cells and tell how stable it is."""
    headline(f"1. Real: {adata.n_obs} human blood cells x {adata.n_vars} genes (10x Genomics)")
    report = gn.pp.check(adata, tfs="human").set_index("what").to_dict("index")
    found, scale = report["tfs"], report["log-normalised"]["note"]
    told(f"{found['matched']:,} of {found['given']:,} human TFs are among the genes; {scale}.")
    with step(f"Inferring with consensus, and again on {N_BOOTSTRAP} resamples of the cells"):
        grn = gn.infer.network(
            adata, tfs="human", n_top=N_EDGES, n_bootstrap=N_BOOTSTRAP, seed=seed
        )
    show_edges(grn.edges.head(10), title="Strongest edges")
    _show_stability(grn)
    with step("Drawing and writing"):
        return _written(grn, "blood cells", folder)


def _show_stability(grn: GRN) -> None:
    """Print how many resamples keep the strongest edges, beside what chance alone keeps."""
    stability, candidates = grn.edges["stability"], int(grn.params["candidates"])
    rows = [
        {
            "edges": f"top {n:,}",
            "kept, mean of resamples": stability.head(n).mean(),
            "in every resample": (stability.head(n) == 1).mean(),
            "kept by chance": len(grn) / candidates,
        }
        for n in TOPS
    ]
    note = (
        f"The share of {N_BOOTSTRAP} resamples of the cells that have the edge among their "
        f"{len(grn):,} strongest of {candidates:,} pairs. No edge of these cells is known, so "
        "this is all that can be scored: it tells what more cells would change, not what is true."
    )
    show(pd.DataFrame(rows), title="Stability", note=note)


def _simulated(adata: AnnData, folder: Path, *, seed: int) -> Files:
    """Infer the network of simulated cells with every method and score it against the truth."""
    truth = gn.datasets.truth(adata)
    headline(
        f"2. Simulated: {adata.n_obs} cells x {adata.n_vars} genes of a planted network of "
        f"{len(truth)} edges"
    )
    gn.pp.normalize(adata)
    tfs = adata.var_names[adata.var["is_tf"]].tolist()
    networks = {}
    for method in gn.infer.methods.index:
        with step(f"Inferring with {method}"):
            networks[method] = gn.infer.network(adata, tfs=tfs, method=method, seed=seed)
    scores = gn.evaluate.score(networks, truth, tfs=tfs, adata=adata, seed=seed)
    scores = scores.sort_values(["is_null", "auprc_ratio"], ascending=[True, False])
    show_scores(scores, title="Against the planted edges")
    best = [name for name in scores["ranking"].head(IN_CURVES) if name != "consensus"]
    drawn = {name: networks[name] for name in ["consensus", *best]}
    points = gn.evaluate.curves(drawn, truth, tfs=tfs, adata=adata, seed=seed)
    with step("Drawing and writing"):
        write_table(scores, folder / "scores.csv")
        write_picture(gn.pl.score_bars(scores), folder / "scores.png")
        write_picture(gn.pl.score_curves(points), folder / "curves.png")
        kept = networks["consensus"].top(len(truth))
        return [
            ("simulated cells: scores and nulls", folder / "scores.csv"),
            ("their picture", folder / "scores.png"),
            ("precision and recall", folder / "curves.png"),
            *_written(kept, "simulated cells", folder),
        ]


def _written(grn: GRN, cells: str, folder: Path) -> Files:
    """Write a network as a table, for Cytoscape, as a page and as pictures."""
    leader = str(grn.edges["source"].head(100).astype(str).value_counts().index[0])
    write_picture(gn.pl.top_edges(grn, n=40), folder / "network.png")
    write_picture(gn.pl.neighbourhood(grn, leader, max_edges=30), folder / f"{leader}.png")
    kinds = {
        f"{cells}: network, a table": "network.tsv",
        "for Cytoscape, with its style": "network.cx2",
        "for Gephi, igraph, networkx": "network.graphml",
    }
    written = [(what, gn.io.write_network(grn, folder / name)) for what, name in kinds.items()]
    page = gn.io.write_html(grn, folder / "network.html", title=f"Network of {cells}")
    return [
        *written,
        ("page to explore it", page),
        ("picture of the strongest edges", folder / "network.png"),
        (f"picture of {leader}", folder / f"{leader}.png"),
    ]
