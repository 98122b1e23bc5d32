"""Known edges, learnt: graph networks and trees beside GENELink, boosted pairs and label rates.

``python -m benchmarks.supervised`` trains on lists of known edges in splits that hold pairs,
targets, TFs, both, or chromosomes out, with negatives drawn uniformly or matched in degree, and
writes ``benchmarks/results/supervised.csv``; ``--output`` names another file, so that sets run in
processes of their own, and ``--report`` prints the tables of such files together. The splits that
GENELink published have labels without expression: what their label rates reach comes last.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import pandas as pd
import typer
from sklearn.metrics import average_precision_score, roc_auc_score

import grnet as gn
from benchmarks._genelink import genelink
from benchmarks._known_edges import PUBLISHED, SETS, KnownEdges, published_split
from benchmarks._runs import RESULTS
from benchmarks._tables import choose, machine, markdown, warn_unless_idle

if TYPE_CHECKING:
    from anndata import AnnData

Scorer = Callable[[gn.train.EdgeSplit, "AnnData"], np.ndarray]

REGIMES = ("edge", "target", "tf", "both", "chromosome")
ENSEMBLE = "ensemble"
PLAIN = "sage without pair features"
MEMBERS = ("trees", "sage")
METHODS = (*MEMBERS, ENSEMBLE, PLAIN, "GENELink")
RUN = ["regime", "negatives", "seed", "ranking"]
FIGURES = ("auroc", "auprc", "auroc_within_tf")
SHOWN = ("label rates, sum", "|Pearson|", "prior", "boosted pairs", "GENELink", *MEMBERS, ENSEMBLE)
"""Rankings in the overview."""


class Members:
    """Members trained once a split, scored by themselves and as an ensemble of them all."""

    def __init__(self, data: KnownEdges) -> None:
        self._graph = data.graph()
        self._split: gn.train.EdgeSplit | None = None
        self._trained: dict[str, gn.train.EdgeFit | gn.train.PairTrees] = {}

    def scorers(self) -> dict[str, Scorer]:
        """Return the methods of grnet; the ensemble takes the members that ran before it."""
        one = {name: self._scorer(name) for name in MEMBERS}
        return {**one, ENSEMBLE: self._together, PLAIN: self._plain}

    def _scorer(self, name: str) -> Scorer:
        def score(split: gn.train.EdgeSplit, _: "AnnData") -> np.ndarray:
            return self._member(name, split).scores(split.test)

        return score

    def _member(
        self, name: str, split: gn.train.EdgeSplit
    ) -> "gn.train.EdgeFit | gn.train.PairTrees":
        if split is not self._split:
            self._split, self._trained = split, {}
        if name not in self._trained:
            if name == "trees":
                self._trained[name] = gn.train.fit_pair_trees(self._graph, split)
            else:
                config = gn.models.EdgeModelConfig.of(self._graph, kind=name)
                self._trained[name] = gn.train.fit_edges(self._graph, split, config=config)
        return self._trained[name]

    def _together(self, split: gn.train.EdgeSplit, _: "AnnData") -> np.ndarray:
        members = {name: self._member(name, split) for name in MEMBERS}
        return gn.train.PairEnsemble.of(members, split.validation).scores(split.test)

    def _plain(self, split: gn.train.EdgeSplit, _: "AnnData") -> np.ndarray:
        return gn.train.fit_edges(self._graph, split, pair_features=False).scores(split.test)


def run_regime(
    data: KnownEdges, methods: dict[str, Scorer], *, regime: str, seeds: int
) -> pd.DataFrame:
    """Return the supervised benchmark of one regime; chromosomes are held out in turn."""
    shared = {"tfs": data.tfs, "prior": data.prior, "n_negatives": data.n_negatives}
    if regime != "chromosome":
        return gn.evaluate.supervised_benchmark(
            methods, data.adata, data.known, regimes=[regime], seeds=seeds, **shared
        )
    tables = [
        gn.evaluate.supervised_benchmark(
            methods, data.adata, data.known, regimes=[regime], seeds=1,
            chromosomes=dict(data.chromosomes), **held, **shared,
        ).assign(seed=seed)
        for seed, held in enumerate(data.held_chromosomes()[:seeds])
    ]  # fmt: skip
    return pd.concat(tables, ignore_index=True)


def main(
    *,
    sets: Annotated[str | None, typer.Option(help="Sets, with commas; default all.")] = None,
    regimes: Annotated[str | None, typer.Option(help="With commas; default all.")] = None,
    methods: Annotated[str | None, typer.Option(help="With commas; default all.")] = None,
    seeds: Annotated[int, typer.Option(help="Splits with seeds 0, 1, ...; at most 5.")] = 5,
    output: Annotated[Path, typer.Option(help="Where the rows go.")] = RESULTS / "supervised.csv",
    report: Annotated[str | None, typer.Option(help="Print such files, with commas.")] = None,
) -> None:
    """Train in every split, and print figures and verdicts."""
    if report is not None:
        rows = pd.concat([pd.read_csv(path) for path in report.split(",")], ignore_index=True)
        rows = rows.drop_duplicates(["set", *RUN])
        for name, table in rows.groupby("set", sort=False):
            print_tables(str(name), table)
        print(f"### All\n\n{markdown(overview(rows), digits=3)}")
        return
    warn_unless_idle()
    print(machine(), "\n")
    output.parent.mkdir(parents=True, exist_ok=True)
    asked = choose(methods, METHODS, "method")
    done: list[pd.DataFrame] = []
    for name in choose(sets, (*SETS, *PUBLISHED), "set"):
        if name in PUBLISHED:
            print(f"### {name}\n\n{markdown(label_rates(name), digits=3)}\n", flush=True)
            continue
        data = SETS[name]()
        print(f"{name}: {data.counts()}\n", flush=True)
        every = {**Members(data).scorers(), "GENELink": genelink}
        scorers = {key: every[key] for key in METHODS if key in asked}
        for regime in choose(regimes, REGIMES, "regime"):
            if regime == "chromosome" and data.chromosomes is None:
                continue
            table = run_regime(data, scorers, regime=regime, seeds=seeds)
            done.append(table.assign(set=name))
            pd.concat(done).to_csv(output, index=False)
        print_tables(name, pd.concat([table for table in done if (table["set"] == name).all()]))


def print_tables(name: str, table: pd.DataFrame) -> None:
    """Print mean and 95 % interval of every ranking, and where the ensemble stands."""
    print(f"### {name}\n", flush=True)
    rows = table["regime"] + ", " + table["negatives"]
    order = list(dict.fromkeys(rows)), list(dict.fromkeys(table["ranking"]))
    for figure in FIGURES:
        groups = table.groupby([rows, "ranking"], sort=False)[figure]
        shown = groups.agg(_with_interval).unstack("ranking")  # noqa: PD010 - a Series
        shown = shown.reindex(index=order[0], columns=order[1])
        print(f"{figure}\n\n{markdown(shown.rename_axis(['regime, negatives']))}\n")
    seconds = table[~table["is_null"]].groupby("ranking", sort=False)["seconds"].median()
    if {ENSEMBLE, *MEMBERS} <= set(seconds.index):
        seconds[ENSEMBLE] += seconds[list(MEMBERS)].sum()
    print(f"median seconds a split\n\n{markdown(seconds.to_frame().T, digits=1)}\n")
    if ENSEMBLE in set(table["ranking"]):
        print(markdown(standing(table), digits=3), "\n", flush=True)


def standing(table: pd.DataFrame, *, by: str = "auroc") -> pd.DataFrame:
    """Say how the ensemble stands to the best null and to GENELink in each test that it ran in.

    ``apart`` names the others whose intervals lie below that of the ensemble. The ensemble is fixed
    beforehand: no method of grnet is chosen by its test pairs.
    """
    ran = table.groupby(["regime", "negatives"])["ranking"].transform(
        lambda r: (r == ENSEMBLE).any()
    )
    kept = table[ran & (table["is_null"] | table["ranking"].isin([ENSEMBLE, "GENELink"]))]
    kept = kept.assign(is_null=kept["ranking"] != ENSEMBLE)
    verdicts = gn.evaluate.supervised_verdicts(kept, by=by).set_index(["regime", "negatives"])
    rows = {}
    for test, part in kept.groupby(["regime", "negatives"], sort=False):
        reach = {
            str(name): gn.evaluate.supervised.interval(values)
            for name, values in part.groupby("ranking", sort=False)[by]
        }
        others = [name for name in reach if name != ENSEMBLE]
        below = [name for name in others if reach[name][1] < reach[ENSEMBLE][0]]
        rows[test] = {
            "best other": verdicts.loc[test, "null"],
            "difference": verdicts.loc[test, "difference"],
            "low": verdicts.loc[test, "low"],
            "high": verdicts.loc[test, "high"],
            "apart": "all" if len(below) == len(others) else ", ".join(below) or "none",
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["regime", "negatives"])


def overview(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each test of each set: AUROC with its interval (AUPRC), and the standing."""
    found = {}
    for test, table in rows.groupby(["set", "regime", "negatives"], sort=False):
        groups = table.groupby("ranking")
        reached, precise = groups["auroc"].agg(_with_interval), groups["auprc"].mean()
        row = {
            name: f"{reached[name]} ({precise[name]:.3f})" if name in reached else ""
            for name in SHOWN
        }
        if ENSEMBLE in reached:
            stand = standing(table).iloc[0]
            less = "{difference:+.3f} ({low:.3f} to {high:.3f}), ".format(**stand)
            row |= {"less the best other": less + stand["best other"], "apart from": stand["apart"]}
        found[test] = row
    names = ["set", "new in the test", "negatives"]
    return pd.DataFrame.from_dict(found, orient="index").rename_axis(names).fillna("")


def label_rates(name: str) -> pd.DataFrame:
    """Return what the training labels of a published split tell of its test pairs."""
    split = published_split(name)
    label = split.test["label"]
    tf, target = (
        gn.train.label_log_odds(split.train, split.test, end=end) for end in ("source", "target")
    )
    product = -np.logaddexp(0, -tf) - np.logaddexp(0, -target)
    rates = {"of TF": tf, "of target": target, "sum": tf + target, "product": product}
    table = pd.DataFrame(
        {
            rate: {
                "AUROC": roc_auc_score(label, score),
                "AP": average_precision_score(label, score),
            }
            for rate, score in rates.items()
        }
    ).T.rename_axis("label rate")
    audit = split.audit().loc["test"]
    print(
        f"{name}: {len(split.train):,} pairs train, {len(label):,} test, {label.mean():.3f} of the "
        f"latter edges; {audit['in_train']:.0f} test pairs train too.\n"
    )
    return table


def _with_interval(values: pd.Series) -> str:
    low, high = gn.evaluate.supervised.interval(values)
    return f"{values.mean():.3f} ± {(high - low) / 2:.3f}"


if __name__ == "__main__":
    typer.run(main)
