"""The page, run in a headless browser."""

import html
import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest

import grnet as gn

HOSTILE = '</script><b onclick="x">&amp;\u2028'


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.skip(f"no headless browser: none of {', '.join(names)} is on PATH")
    profile = tmp_path_factory.mktemp("profile")

    def run(path: Path, fragment: str = "", *options: str) -> str:
        command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"]
        command += ["--no-first-run", "--disable-background-networking", "--disable-sync"]
        command += ["--disable-component-update", f"--user-data-dir={profile}"]
        command += ["--virtual-time-budget=3000", "--window-size=1300,1000"]
        command += [*(options or ["--dump-dom"]), f"{path.as_uri()}#{fragment}"]
        done = subprocess.run(command, capture_output=True, check=True, timeout=120)
        return done.stdout.decode()

    return run


@pytest.fixture(scope="module")
def grn() -> gn.GRN:
    rng = np.random.default_rng(0)
    pairs = [(f"TF{i}", f"GENE{j}") for i in range(8) for j in range(60) if rng.random() < 0.25]
    edges = pd.DataFrame([*pairs, ("TF0", HOSTILE)], columns=["source", "target"])
    edges["weight"] = rng.normal(size=len(edges))
    edges.loc[edges.index[-1], "weight"] = 9.0
    edges["fdr"] = rng.random(len(edges))
    return gn.GRN(edges, params={"method": "boost"})


@pytest.fixture(scope="module")
def page(grn, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("page") / "net.html"
    return gn.io.write_html(grn, path, max_edges=60, title="Blood & <i>bone</i>")


def state(dom: str) -> dict[str, str]:
    """Return what the page tells about itself in the attributes of its body."""
    body = re.search(r"<body([^>]*)>", dom)
    assert body is not None
    return {k: html.unescape(v) for k, v in re.findall(r'data-(\w+)="([^"]*)"', body.group(1))}


def body(dom: str) -> str:
    """Return what is shown, without style, data and script."""
    return dom[dom.index("<body") : dom.index("<noscript")]


def section(dom: str, element: str) -> str:
    found = re.search(rf'id="{element}"[^>]*>(.*?)</(?:p|section|ul|tbody)>', dom, re.S)
    assert found is not None
    return found.group(1)


def test_the_page_runs_and_shows_all_it_holds(page, grn, browser):
    dom = browser(page)
    shown = grn.top(60).drop_isolated()
    facts = state(dom)
    assert facts["ready"] == "true"
    assert (facts["edges"], facts["nodes"]) == ("60", str(len(shown.nodes)))
    counts = html.unescape(section(dom, "counts"))
    assert f"60 of {len(grn)} edges" in counts
    assert "net.edges.tsv" in counts
    rows = re.search(r"<tbody>(.*?)</tbody>", dom, re.S).group(1)
    assert rows.count("<tr") == 60
    assert "represses" in section(dom, "legend")


def test_search_selects_and_tells(page, grn, browser):
    dom = browser(page, "q=tf0")
    facts = state(dom)
    edges = grn.top(60).edges.astype({"source": str, "target": str})
    targets = edges.loc[edges["source"] == "TF0", "target"]
    assert facts["selected"] == "TF0"
    assert facts["near"] == str(len(targets) + 1)
    details = html.unescape(section(dom, "details"))
    assert f"Targets ({len(targets)} shown)" in details
    assert f">{int(grn.nodes.loc['TF0', 'out_degree'])}<" in details


def test_search_for_an_unknown_gene_says_so(page, browser):
    dom = browser(page, "q=NOSUCH")
    assert state(dom)["selected"] == ""
    assert "No gene named" in section(dom, "found")


def test_filter_by_weight_and_effect(page, grn, browser):
    top, least = grn.top(60), 2.0
    assert 0 < len(top.filter(min_weight=least, sign="-")) < len(top.filter(min_weight=least)) < 60
    assert state(browser(page, f"min={least}"))["edges"] == str(len(top.filter(min_weight=least)))
    both = state(browser(page, f"min={least}&effect=represses"))
    assert both["edges"] == str(len(top.filter(min_weight=least, sign="-")))


def test_an_edge_shows_all_its_details(page, grn, browser):
    edge = grn.edges.iloc[3]
    dom = browser(page, f"edge={quote(edge['source'])}|{quote(edge['target'])}")
    assert state(dom)["edge"] == f"{edge['source']}|{edge['target']}"
    details = section(dom, "details")
    for text in ("weight", "fdr", f"{edge['fdr']:.4g}", f"{edge['weight']:.4g}"):
        assert text in details


def test_hostile_names_are_harmless(page, browser):
    dom = browser(page, f"q={quote(HOSTILE)}")
    assert state(dom)["selected"] == HOSTILE
    assert "<b onclick" not in dom
    assert "<i>bone" not in dom
    text = page.read_text(encoding="utf-8")
    assert text.count("</script>") == 3
    assert "Blood &amp; &lt;i&gt;bone" in text


def test_the_page_asks_for_nothing_outside(page):
    text = page.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert not re.search(r'<(?:script|link|img)[^>]+(?:src|href)="', text)
    assert "sourceMappingURL" not in text
    held = re.search(r'id="data">(.*?)</script>', text, re.S).group(1)
    assert not set("<>&\u2028") & set(held)
    assert json.loads(held)["total"]["edges"] > 60


def test_a_screenshot_is_not_blank(page, browser, tmp_path):
    plt = pytest.importorskip("matplotlib.pyplot")
    picture = tmp_path / "page.png"
    browser(page, "", f"--screenshot={picture}", "--hide-scrollbars")
    pixels = (plt.imread(picture)[..., :3] * 255).round().astype(int)
    for colour in ("#0072B2", "#D55E00", "#F0E442"):
        wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        drawing = pixels[150:650, 20:900]
        assert (np.abs(drawing - wanted).max(axis=2) < 40).sum() > 50, colour


def test_full_table_only_if_reduced(grn, tmp_path):
    gn.io.write_html(grn.top(20), tmp_path / "small.html")
    assert [file.name for file in tmp_path.iterdir()] == ["small.html"]
    gn.io.write_html(grn, tmp_path / "large.html", max_edges=20)
    table = pd.read_csv(tmp_path / "large.edges.tsv", sep="\t")
    assert len(table) == len(grn)


def test_reductions_hold_what_they_say(grn, tmp_path):
    def edges(path: Path) -> list[tuple[str, str]]:
        held = re.search(r'id="data">(.*?)</script>', path.read_text(encoding="utf-8"), re.S)
        return [(e["source"], e["target"]) for e in json.loads(held.group(1))["edges"]]

    near = edges(gn.io.write_html(grn, tmp_path / "ego.html", node="TF1", max_edges=10))
    assert len(near) == 10
    assert all("TF1" in pair for pair in near)
    core = edges(gn.io.write_html(grn, tmp_path / "core.html", reduce="core", max_edges=40))
    degree = pd.Series([name for pair in core for name in pair]).value_counts()
    top = edges(gn.io.write_html(grn, tmp_path / "top.html", max_edges=40))
    degree_of_top = pd.Series([name for pair in top for name in pair]).value_counts()
    assert len(core) == 40
    assert len(degree) < len(degree_of_top)


def test_contexts_are_drawn_apart_and_chosen(tmp_path, browser):
    edges = pd.DataFrame(
        {
            "source": ["A", "A", "B"],
            "target": ["B", "B", "A"],
            "weight": [1.0, -2.0, 0.5],
            "context": ["T cell", "B cell", "T cell"],
        }
    )
    path = gn.io.write_html(gn.GRN(edges), tmp_path / "net.html")
    assert state(browser(path))["edges"] == "3"
    assert state(browser(path, "context=T+cell"))["edges"] == "2"


@pytest.fixture(scope="module")
def linked(grn, tmp_path_factory) -> Path:
    top = grn.top(60).edges.astype({"source": str, "target": str})
    pairs = list(top[["source", "target"]].head(3).itertuples(index=False, name=None))
    dossiers = dict.fromkeys(pairs[:2], "dossiers/a b#1.html")
    dossiers |= {("TF1", HOSTILE): Path("dossiers", "why.html"), ("X", "Y"): "../y.html"}
    path = tmp_path_factory.mktemp("page") / "net.html"
    return gn.io.write_html(grn, path, max_edges=60, dossiers=dossiers)


def test_an_edge_with_a_dossier_opens_it(linked, grn, browser):
    edges = grn.edges.astype({"source": str, "target": str})
    at = [f"edge={quote(edges['source'][i])}|{quote(edges['target'][i])}" for i in (1, 2)]
    details = section(browser(linked, at[0]), "details")
    assert 'href="dossiers/a%20b%231.html"' in details
    assert "Open the dossier</a>" in details
    assert "Open the dossier" not in section(browser(linked, at[1]), "details")


def test_dossiers_are_in_table_and_legend_and_other_pairs_are_listed(linked, page, browser):
    shown = body(browser(linked))
    assert shown.count(">open</a>") == 2
    assert "has a dossier" in section(shown, "legend")
    assert "pairs that are no edge shown (2)" in shown
    assert 'href="dossiers/why.html"' in shown
    assert 'href="../y.html"' in shown
    assert "<b onclick" not in shown
    assert "dossier" not in body(browser(page))


def test_edges_with_a_dossier_have_a_halo(linked, page, browser, tmp_path):
    plt = pytest.importorskip("matplotlib.pyplot")
    gold = []
    for file in (linked, page):
        picture = tmp_path / "page.png"
        browser(file, "", f"--screenshot={picture}", "--hide-scrollbars")
        drawing = (plt.imread(picture)[150:650, 20:900, :3] * 255).round().astype(int)
        gold.append(int((np.abs(drawing - [0xFF, 0xD4, 0x00]).max(axis=2) < 12).sum()))
    assert gold[0] > 100
    assert gold[1] == 0


def test_the_dossier_of_a_context_goes_before_that_of_the_pair(tmp_path):
    edges = pd.DataFrame(
        {"source": "A", "target": "B", "weight": [1.0, 2.0], "context": ["T cell", "B cell"]}
    )
    dossiers = {("A", "B"): "pair.html", ("A", "B", "T cell"): "t.html"}
    path = gn.io.write_html(gn.GRN(edges), tmp_path / "net.html", dossiers=dossiers)
    held = re.search(r'id="data">(.*?)</script>', path.read_text(encoding="utf-8"), re.S)
    data = json.loads(held.group(1))
    found = {edge["facts"]["context"]: edge["dossier"] for edge in data["edges"]}
    assert found == {"T cell": "t.html", "B cell": "pair.html"}
    assert data["unlinked"] == []


@pytest.mark.parametrize(
    "path",
    [
        "javascript:alert(1)",
        "java\tscript:alert(1)",
        " javascript:alert(1)",
        "https://example.org/a.html",
        "//example.org/a.html",
        "data:text/html,x",
        "/etc/passwd",
        "C:\\a.html",
        "..\\a.html",
        "a\nb.html",
        "",
        Path("/a/b.html"),
    ],
)
def test_links_that_lead_elsewhere_are_refused(grn, tmp_path, path):
    with pytest.raises(ValueError, match="The dossier of A -> B lies at"):
        gn.io.write_html(grn, tmp_path / "net.html", dossiers={("A", "B"): path})
    assert not list(tmp_path.iterdir())


def test_keys_of_dossiers_are_pairs(grn, tmp_path):
    for key in ("AB", ("A",), ("A", "B", "C", "D"), ("A", 1)):
        with pytest.raises(ValueError, match=r"expected \(source, target\)"):
            gn.io.write_html(grn, tmp_path / "net.html", dossiers={key: "a.html"})


def test_errors_name_the_fix(grn, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="Unknown reduce 'best'"):
        gn.io.write_html(grn, tmp_path / "net.html", reduce="best")
    with pytest.raises(ValueError, match="not a node"):
        gn.io.write_html(grn, tmp_path / "net.html", node="NOSUCH")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(FileNotFoundError, match=r"pip install 'pyvis"):
        gn.io.write_html(grn, tmp_path / "net.html")
    assert not list(tmp_path.iterdir())
