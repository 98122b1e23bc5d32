"""`grnet infer`."""

from typing import Any, cast

import grnet as gn
from grnet.cli import _options as o
from grnet.cli._console import shortest, show_edges, step, told


def infer(  # noqa: PLR0913 - one argument per option
    counts: o.Expression,
    *,
    tfs: o.Tfs,
    out: o.Outs,
    method: o.MethodName = "consensus",
    normalize: o.Normalize = None,
    n_top: o.NTop = "auto",
    fdr: o.Fdr = None,
    n_bootstrap: o.NBootstrap = 0,
    groupby: o.Groupby = None,
    pseudotime: o.Pseudotime = None,
    n_windows: o.NWindows = None,
    layer: o.Layer = None,
    prior: o.Prior = None,
    prior_mode: o.PriorMode = "combine",
    known: o.Known = None,
    graph: o.GraphFile = None,
    seed: o.Seed = 0,
    device: o.Device = "auto",
    option: o.MethodOptions = None,
) -> None:
    """Infer a network from expression and write it.

    grnet infer counts.h5ad --tfs human --out network.tsv --out network.cx2
    """
    keep, options = cast("Any", o.number_of_edges(n_top)), o.values(option)
    # what can be wrong is found before the work starts, not after it
    regulators = gn.io.read_tfs(tfs)
    _ = gn.infer.METHODS[method]
    from grnet.cli._files import check_writable, read_prepared  # noqa: PLC0415 - heavy

    check_writable(*out)

    adata = read_prepared(counts, normalize=normalize, layer=layer)
    with step(f"Inferring with {method}"):
        grn = gn.infer.network(
            adata,
            tfs=regulators,
            method=method,
            n_top=keep,
            fdr=fdr,
            n_bootstrap=n_bootstrap,
            groupby=groupby,
            pseudotime=pseudotime,
            n_windows=n_windows,
            prior=prior or None,
            prior_mode=cast("Any", prior_mode),
            known=known,
            graph=None if graph is None else gn.graph.load(graph),
            seed=seed,
            device=device,
            **options,
        )
    for path in out:
        gn.io.write_network(grn, path)
    show_edges(grn.edges.head(10), title="Strongest edges")
    told(str(grn).splitlines()[0])
    told(f"Written: {', '.join(map(shortest, out))}")
