"""The command line: what it writes is what the library returns, and errors are one message."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import grnet as gn
from grnet.cli import main
from grnet.cli._options import number_of_edges, values
from grnet.cli.app import run

GRNET = [sys.executable, "-m", "grnet.cli"]


@pytest.fixture(scope="module")
def cells() -> ad.AnnData:
    return gn.datasets.simulate(n_cells=120, n_genes=40, n_tfs=6, seed=1)


@pytest.fixture(scope="module")
def folder(cells, tmp_path_factory) -> Path:
    """Counts, logged and unlogged values, regulators, the truth and an inferred network."""
    folder = tmp_path_factory.mktemp("cli")
    cells.write_h5ad(folder / "counts.h5ad")
    for name, log in (("logged", True), ("unlogged", False)):
        adata = gn.pp.normalize(cells, target_sum=1e4, log=log, copy=True)
        adata.write_h5ad(folder / f"{name}.h5ad")
    (folder / "tfs.txt").write_text("\n".join(cells.var_names[cells.var["is_tf"]]))
    gn.datasets.truth(cells).to_csv(folder / "truth.csv", index=False)
    gn.io.write_network(library_network(cells), folder / "network.tsv")
    return folder


def library_network(cells, **options):
    normalised = gn.pp.normalize(cells, copy=True)
    tfs = list(cells.var_names[cells.var["is_tf"]])
    return gn.infer.network(normalised, tfs=tfs, **{"method": "pearson", **options})


def infer(folder, counts, out, *more):
    """Run `grnet infer` with Pearson correlation, unless told otherwise."""
    method = () if "--method" in more else ("--method", "pearson")
    tfs = str(folder / "tfs.txt")
    return run(["infer", str(folder / counts), "--tfs", tfs, "--out", str(out), *method, *more])


def edges_of(path):
    return gn.io.read_network(path).edges.astype({"source": str, "target": str})


def error_of(capsys):
    """The message on stderr, its lines joined; nothing else of an error is shown."""
    told = capsys.readouterr().err
    assert "Traceback" not in told
    return " ".join(told[told.index("Error:") :].split())


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from grnet.cli.app import run; code = run(['infer', '--help']); "
        "heavy = {'anndata', 'numpy', 'pandas', 'scanpy', 'torch'} & set(sys.modules); "
        "print(code, *sorted(heavy), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.split() == ["0"]
    assert "--n-bootstrap" in done.stdout


@pytest.mark.parametrize("command", ["demo", "infer", "evaluate", "export", "methods", "doctor"])
def test_every_command_has_a_help_text(command, capsys):
    assert run([command, "--help"]) == 0
    assert f"Usage: grnet {command}" in capsys.readouterr().out


def test_version(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"grnet {gn.__version__}\n"


def test_main_exits_with_the_code_of_the_command(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["grnet", "infer"])
    monkeypatch.setenv("OMP_WAIT_POLICY", os.environ.get("OMP_WAIT_POLICY", "PASSIVE"))
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2


def test_infer_writes_what_the_library_infers(folder, cells, tmp_path, capsys):
    out, cx2 = tmp_path / "net.tsv", tmp_path / "net.cx2"
    options = ("--n-top", "50", "--seed", "3", "--out", str(cx2))
    assert infer(folder, "counts.h5ad", out, *options) == 0
    expected = library_network(cells, n_top=50, seed=3).edges
    expected = expected.astype({"source": str, "target": str})
    pd.testing.assert_frame_equal(edges_of(out), expected, check_exact=False, rtol=1e-6)
    assert len(gn.io.read_network(cx2)) == 50
    told = capsys.readouterr().out
    assert "Strongest edges" in told
    assert "GRN of 50 edges" in told


def test_values_that_are_no_logarithms_are_logged(folder, tmp_path, capsys):
    assert infer(folder, "unlogged.h5ad", tmp_path / "a.csv") == 0
    assert "normalised values, logged" in capsys.readouterr().err
    assert infer(folder, "logged.h5ad", tmp_path / "b.csv") == 0
    assert "logarithms, taken as they are" in capsys.readouterr().err
    a, b = (
        edges_of(tmp_path / name).set_index(["source", "target"]) for name in ("a.csv", "b.csv")
    )
    pd.testing.assert_frame_equal(a.sort_index(), b.sort_index(), rtol=1e-4, atol=1e-6)


@pytest.mark.filterwarnings("default:The expression looks like raw counts")
def test_no_normalize_takes_counts_as_they_are_and_warns(cells, folder, tmp_path, capsys):
    deep = cells.copy()
    deep.X = deep.X * 20
    deep.write_h5ad(tmp_path / "deep.h5ad")
    assert infer(folder, tmp_path / "deep.h5ad", tmp_path / "net.csv", "--no-normalize") == 0
    edge = edges_of(tmp_path / "net.csv").iloc[0]
    counts = deep[:, [edge["source"], edge["target"]]].X.toarray()
    assert edge["weight"] == pytest.approx(np.corrcoef(counts.T)[0, 1], abs=1e-5)
    told = capsys.readouterr().err
    assert "Warning: The expression looks like raw counts" in told
    assert ".py" not in told


def test_layer_is_where_the_values_are(folder, cells, tmp_path):
    layered = ad.AnnData(np.zeros(cells.shape), obs=cells.obs, var=cells.var)
    layered.layers["raw"] = cells.X
    layered.write_h5ad(tmp_path / "layered.h5ad")
    assert infer(tmp_path, folder / "counts.h5ad", tmp_path / "a.csv", *tfs_of(folder)) == 0
    options = ("--layer", "raw", *tfs_of(folder))
    assert infer(tmp_path, "layered.h5ad", tmp_path / "b.csv", *options) == 0
    pd.testing.assert_frame_equal(edges_of(tmp_path / "a.csv"), edges_of(tmp_path / "b.csv"))


def tfs_of(folder):
    return ("--tfs", str(folder / "tfs.txt"))


@pytest.mark.parametrize(
    ("asked", "columns"),
    [
        (("--fdr", "1"), {"pvalue", "fdr"}),
        (("--n-bootstrap", "3"), {"stability"}),
        (("--groupby", "cell_type"), {"context"}),
    ],
)
def test_infer_adds_the_columns_asked_for(asked, columns, folder, tmp_path):
    assert infer(folder, "counts.h5ad", tmp_path / "net.tsv", *asked) == 0
    assert columns == set(edges_of(tmp_path / "net.tsv")) - {"source", "target", "weight"}


def test_windows_of_pseudotime_are_those_of_the_library(folder, cells, tmp_path, capsys):
    timed = gn.pp.normalize(cells, copy=True)
    timed.obs["dpt"] = np.linspace(0, 1, timed.n_obs)
    timed.write_h5ad(tmp_path / "timed.h5ad")
    tfs, out = folder / "tfs.txt", tmp_path / "net.tsv"
    command = ["infer", str(tmp_path / "timed.h5ad"), "--tfs", str(tfs), "--out", str(out)]
    command += ["--method", "shared_ridge", "--pseudotime", "dpt"]
    assert run([*command, "--n-windows", "3", "--option", "deviation=0.5"]) == 0
    expected = gn.infer.network(
        timed, tfs=tfs, method="shared_ridge", pseudotime="dpt", n_windows=3, deviation=0.5
    )
    named = expected.edges.astype({"source": str, "target": str, "context": str})
    found = edges_of(out).astype({"context": str})
    pd.testing.assert_frame_equal(found, named, check_exact=False, rtol=1e-6)
    assert found["context"].nunique() == 3
    assert run([*command, "--groupby", "cell_type"]) == 1
    assert "choose one" in error_of(capsys)


@pytest.mark.filterwarnings("default:No edge passes")
def test_a_network_without_edges_is_told_and_not_written(folder, tmp_path, capsys):
    assert infer(folder, "counts.h5ad", tmp_path / "net.tsv", "--fdr", "0.001") == 1
    assert "the network has no edges" in error_of(capsys).lower()
    assert not list(tmp_path.iterdir())


def test_prior_restricts_the_pairs(folder, tmp_path):
    truth = folder / "truth.csv"
    more = ("--prior", str(truth), "--prior-mode", "restrict")
    assert infer(folder, "counts.h5ad", tmp_path / "net.tsv", *more) == 0
    listed = set(map(tuple, pd.read_csv(truth)[["source", "target"]].to_numpy()))
    found = set(map(tuple, edges_of(tmp_path / "net.tsv")[["source", "target"]].to_numpy()))
    assert found
    assert found <= listed


def test_several_priors_are_layers_beside_the_expression(folder, tmp_path):
    truth = folder / "truth.csv"
    more = ("--prior", str(truth), "--prior", str(truth))
    assert infer(folder, "counts.h5ad", tmp_path / "net.tsv", *more) == 0
    edges = edges_of(tmp_path / "net.tsv")
    assert (edges["prior"] == edges["prior_2"]).all()
    assert set(edges["prior"]) > {0.0}


def test_options_of_the_method_reach_it(folder, cells, tmp_path):
    out = tmp_path / "net.parquet"
    more = ("--method", "boost", "--option", "n_rounds=5")
    assert infer(folder, "counts.h5ad", out, *more) == 0
    found = gn.io.read_network(out)
    assert found.params["n_rounds"] == 5
    expected = library_network(cells, method="boost", n_rounds=5)
    np.testing.assert_allclose(found.edges["weight"], expected.edges["weight"], rtol=1e-5)


def test_the_joint_model_reads_a_graph_and_known_edges(folder, cells, tmp_path):
    tfs = list(cells.var_names[cells.var["is_tf"]])
    rng = np.random.default_rng(0)
    peaks = [f"chr1:{1000 * i}-{1000 * i + 500}" for i in range(cells.n_vars)]
    links = pd.DataFrame({"peak": peaks, "gene": cells.var_names, "weight": 1.0})
    bindings = pd.DataFrame({"tf": rng.choice(tfs, len(peaks)), "peak": peaks, "weight": 0.5})
    graph = gn.graph.build(cells, tfs=tfs, links=links, bindings=bindings, n_components=4)
    path, out = gn.graph.save(graph, tmp_path / "graph.safetensors"), tmp_path / "net.parquet"
    more = ("--method", "joint", "--graph", str(path), "--known", str(folder / "truth.csv"))
    quick = ("--option", "max_epochs=2", "--option", "n_folds=3", "--n-top", "40")
    assert infer(folder, "counts.h5ad", out, *more, *quick) == 0
    found = gn.io.read_network(out)
    assert found.params["learnt_from"] == "known, graph"
    assert "known" in found.edges
    binds = bindings.set_index("peak")["tf"]
    gene_of = links.set_index("peak")["gene"].astype(str)
    assert len(found.evidence)
    assert (found.evidence["source"].astype(str) == found.evidence["region"].map(binds)).all()
    assert (found.evidence["target"].astype(str) == found.evidence["region"].map(gene_of)).all()


def test_values_of_options_are_read_as_what_they_are():
    given = ["a=5", "b=0.5", "c=true", "d=none", "e=mi", "f=(1, 2)", "g=x=y"]
    read = {"a": 5, "b": 0.5, "c": True, "d": None, "e": "mi", "f": (1, 2), "g": "x=y"}
    assert values(given) == read
    assert [number_of_edges(text) for text in ("auto", "all", "12")] == ["auto", None, 12]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("--option", "n_rounds"), "expected key=value"),
        (("--n-top", "-5"), "expected a positive number, auto or all"),
        (("--n-top", "few"), "expected a positive number, auto or all"),
        (("--seed", "x"), "--seed"),
        (("--colour", "red"), "No such option"),
    ],
)
def test_what_is_not_understood_exits_with_2(wrong, message, folder, tmp_path, capsys):
    assert infer(folder, "counts.h5ad", tmp_path / "net.tsv", *wrong) == 2
    assert message in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("counts", "out", "more", "message"),
    [
        ("nowhere.h5ad", "net.tsv", (), "nowhere.h5ad"),
        ("nowhere.h5ad", "net.docx", (), "'net.docx' does not end like a network file"),
        ("nowhere.h5ad", "net.tsv", ("--method", "pearsen"), "Did you mean 'pearson'?"),
        ("nowhere.h5ad", "net.tsv", ("--tfs", "humen"), "Did you mean 'human'?"),
        ("truth.csv", "net.tsv", (), "truth.csv"),
        ("counts.h5ad", "net.tsv", ("--tfs", "human"), "Only 0 of 1,085 tfs"),
        ("counts.h5ad", "net.tsv", ("--groupby", "donor"), "Unknown column of adata.obs"),
        ("counts.h5ad", "net.tsv", ("--layer", "raw"), "adata.layers has no 'raw'"),
        ("counts.h5ad", "net.tsv", ("--option", "depth=2"), "pearson takes no option 'depth'"),
        ("logged.h5ad", "net.tsv", ("--normalize",), "counts"),
    ],
)
def test_what_the_user_can_set_right_exits_with_1(
    counts, out, more, message, folder, tmp_path, capsys
):
    assert infer(folder, counts, tmp_path / out, *more) == 1
    assert message in error_of(capsys)
    assert not list(tmp_path.iterdir())


def test_debug_shows_the_traceback(tmp_path):
    nowhere = ["evaluate", str(tmp_path / "a.tsv"), str(tmp_path / "b.csv"), "--debug"]
    with pytest.raises(FileNotFoundError):
        run(nowhere)
    done = subprocess.run([*GRNET, *nowhere], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_ctrl_c_exits_with_130_and_leaves_nothing(folder, tmp_path):
    asked = ["infer", str(folder / "counts.h5ad"), *tfs_of(folder), "--n-bootstrap", "10000"]
    # a job in the background ignores Ctrl-C and so would what it starts: listen to it again
    listening = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from grnet.cli import main; main()"
    )
    command = [sys.executable, "-c", listening, *asked, "--out", str(tmp_path / "net.tsv")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        for line in running.stderr:
            if line.startswith("Inferring"):
                break
        time.sleep(0.5)
        running.send_signal(signal.SIGINT)
        rest = running.stderr.read()
    assert running.returncode == 130
    assert "Traceback" not in rest
    assert not list(tmp_path.iterdir())


def test_evaluate_writes_what_the_library_scores(folder, cells, tmp_path, capsys):
    network, truth, out = folder / "network.tsv", folder / "truth.csv", tmp_path / "scores.csv"
    more = ("--expression", str(folder / "counts.h5ad"), "--candidates", "all", "--out", str(out))
    assert run(["evaluate", str(network), str(truth), *more]) == 0
    grn, normalised = gn.io.read_network(network), gn.pp.normalize(cells, copy=True)
    expected = gn.evaluate.score({"network": grn}, truth, candidates="all", adata=normalised)
    pd.testing.assert_frame_equal(pd.read_csv(out), expected, check_exact=False, rtol=1e-6)
    told = capsys.readouterr().out
    lines = [told.index(name) for name in ("AUPRC ratio", "network", "├", "|Pearson|", "density")]
    assert lines[2:] == sorted(lines[2:]), "the nulls stand beneath the line"
    assert f"{expected['auroc'].iloc[0]:.3f}" in told


def test_evaluate_reads_tables_of_other_tools(folder, tmp_path, capsys):
    table = pd.read_csv(folder / "network.tsv", sep="\t")
    renamed = table.rename(columns={"source": "TF", "weight": "importance"})
    renamed.to_csv(tmp_path / "adjacencies.csv", index=False)
    asked = ["evaluate", str(tmp_path / "adjacencies.csv"), str(folder / "truth.csv")]
    assert run([*asked, "--column", "TF=source", "--column", "importance=weight"]) == 0
    of_renamed = figures_of("adjacencies", capsys.readouterr().out)
    assert run(["evaluate", str(folder / "network.tsv"), str(folder / "truth.csv")]) == 0
    assert of_renamed == figures_of("network", capsys.readouterr().out)
    assert all(float(figure) > 0 for figure in of_renamed)


def figures_of(ranking, told):
    """The cells of the row of a ranking in a printed table of scores."""
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in told.splitlines()]
    return next(row[1:] for row in rows if row and row[0] == ranking)


def test_evaluate_tells_that_a_network_is_only_the_top_of_a_ranking(folder, tmp_path, capsys):
    network, top = gn.io.read_network(folder / "network.tsv"), tmp_path / "top.tsv"
    for grn, told in ((network, False), (network.top(10), True)):
        gn.io.write_network(grn, top)
        assert run(["evaluate", str(top), str(folder / "truth.csv")]) == 0
        assert ("the others rank last" in " ".join(capsys.readouterr().out.split())) is told


def test_evaluate_of_names_that_do_not_match_is_an_error(folder, tmp_path, capsys):
    (tmp_path / "truth.csv").write_text("source,target\nENSG01,ENSG02\n")
    assert run(["evaluate", str(folder / "network.tsv"), str(tmp_path / "truth.csv")]) == 1
    assert "ENSG01" in error_of(capsys)


def test_export_converts_the_strongest_edges(folder, tmp_path, capsys):
    out = tmp_path / "top.graphml"
    assert run(["export", str(folder / "network.tsv"), str(out), "--top", "7"]) == 0
    whole = edges_of(folder / "network.tsv")
    found, expected = edges_of(out), whole.head(7)
    assert list(found["target"]) == list(expected["target"])
    assert f"7 of {len(whole)} edges" in capsys.readouterr().out


def test_export_of_a_neighbourhood(folder, tmp_path):
    network = gn.io.read_network(folder / "network.tsv")
    tf = network.tfs[0]
    out = tmp_path / "near.cx2"
    assert run(["export", str(folder / "network.tsv"), str(out), "--node", tf]) == 0
    assert len(gn.io.read_network(out)) == len(network.neighbourhood(tf))


@pytest.mark.parametrize(
    ("name", "start", "more"),
    [
        ("net.png", b"\x89PNG", ()),
        ("net.svg", b"<?xml", ("--node", "TF1")),
        ("net.pdf", b"%PDF", ()),
    ],
)
def test_export_draws_pictures(name, start, more, folder, tmp_path):
    out = tmp_path / name
    assert run(["export", str(folder / "network.tsv"), str(out), "--top", "20", *more]) == 0
    assert out.read_bytes().startswith(start)
    assert list(tmp_path.iterdir()) == [out]


def test_export_of_an_unknown_gene_is_an_error(folder, tmp_path, capsys):
    asked = ["export", str(folder / "network.tsv"), str(tmp_path / "a.png"), "--node", "tf1"]
    assert run(asked) == 1
    assert "Did you mean 'TF1'?" in error_of(capsys)


def test_methods_lists_the_catalogue(capsys):
    assert run(["methods"]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in gn.infer.methods.index)


def test_doctor_fails_where_a_core_part_is_missing(tmp_path):
    """A made-up grnet that asks for a package that nobody has."""
    info = tmp_path / "grnet-9.9.dist-info"
    info.mkdir()
    asked = "Requires-Dist: no-such-package>=2.0\nRequires-Dist: none-either; extra == 'wonder'\n"
    text = f"Metadata-Version: 2.4\nName: grnet\nVersion: 9.9\nProvides-Extra: wonder\n{asked}"
    (info / "METADATA").write_text(text)
    paths = os.pathsep.join([str(tmp_path), str(Path(gn.__file__).parents[1])])
    done = subprocess.run(
        [*GRNET, "doctor"],
        env={**os.environ, "PYTHONPATH": paths},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "pip install 'no-such-package>=2.0'" in done.stdout
    assert "pip install 'grnet[wonder]'" in done.stdout
    assert "1 core part(s) need attention: no-such-package." in done.stdout


def test_demo_infers_scores_draws_and_writes(tmp_path, capsys):
    out = tmp_path / "demo"
    assert run(["demo", "--out", str(out)]) == 0
    told = capsys.readouterr().out
    scores = pd.read_csv(out / "simulated" / "scores.csv").set_index("ranking")["auprc_ratio"]
    assert set(gn.infer.methods.index) < set(scores.index)
    assert scores["consensus"] > max(1.5, scores["random"])
    for kind in ("blood", "simulated"):
        grn = gn.io.read_network(out / kind / "network.cx2")
        assert len(grn) == len(gn.io.read_network(out / kind / "network.tsv"))
        assert (out / kind / "network.html").read_text().startswith("<!DOCTYPE html>")
        assert len(list((out / kind).glob("*.png"))) >= 2
        assert str(out / kind / "network.html") in told
    assert gn.io.read_network(out / "blood" / "network.tsv").edges["stability"].between(0, 1).all()
    assert "No edge of these cells is known" in " ".join(told.split())
    assert f"{scores['|Pearson|']:.3f}" in told
