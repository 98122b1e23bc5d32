"""The dossier: it adds up, survives JSON, and shows all of it on a page that is safe."""

import base64
import inspect
import io
import json
import re
from html.parser import HTMLParser

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import grnet as gn
from grnet.explain import Dossier, _columns, _page

HOSTILE = '</script><b onclick="x">&amp;\u2028$x$'
TABLES = list(Dossier.columns)


@pytest.fixture
def lost():
    return Dossier(
        source="XYZ1",
        target="HIS4",
        verdict="No edge: XYZ1 is not among the regulators.",
        lost_at="regulators",
        reasons=("XYZ1 was not measured.",),
    )


class Page(HTMLParser):
    """Tags with their attributes, rows of the tables, and the text outside of the style."""

    def __init__(self, markup):
        super().__init__()
        self.tags, self.tables, self.words, self.open = [], [], [], []
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "img"}:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in {"td", "th"}:
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data

    @property
    def text(self):
        return " ".join(self.words)

    def table(self, first, n_columns=None):
        return next(
            t for t in self.tables if t[0][: len(first)] == first and n_columns in {None, len(t[0])}
        )


def page_of(dossier, path):
    return Page(dossier.to_html(path / "page.html").read_text(encoding="utf-8"))


def same(one, other):
    for name in inspect.signature(Dossier).parameters:
        a, b = getattr(one, name), getattr(other, name)
        if isinstance(a, pd.DataFrame):
            pd.testing.assert_frame_equal(a, b, obj=name)
        else:
            np.testing.assert_equal(a, b, err_msg=name)


@pytest.fixture(scope="module")
def full(dossier_of):
    return dossier_of()


@pytest.fixture(scope="module")
def markup(full, tmp_path_factory):
    return full.to_html(tmp_path_factory.mktemp("page") / "page.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(markup):
    return Page(markup)


# ---- the record


def test_contributions_and_residual_add_up_to_the_logit(dossier_of):
    found = dossier_of()
    assert found.residual == pytest.approx(0.004)
    whole = found.baseline + found.layers.sum() + found.residual
    assert whole == pytest.approx(found.logit)
    assert list(found.layers.index) == ["expression", "graph", "dna"]
    assert found.layers["expression"] == pytest.approx(0.62 + 0.18 + 0.24 - 0.15)
    text = repr(found)
    assert "residual +0.004 (0.13 %)" in text
    assert "rank 7 of 5,214" in text
    assert len(text.splitlines()) <= 5


def test_a_percentile_near_the_top_is_not_rounded_to_it(dossier_of):
    assert "null percentile 99.9" in repr(dossier_of(null_percentile=99.99))


def test_numbers_of_numpy_and_gaps_are_taken(dossier_of):
    found = dossier_of(
        logit=np.float32(1.5),
        rank=np.int64(3),
        known=np.bool_(True),
        stability=np.nan,
        params={"seed": np.int64(1), "note": None},
    )
    assert (type(found.logit), type(found.rank), found.known) == (float, int, True)
    assert found.stability is None
    assert found.params == {"seed": 1}


def test_a_pair_without_a_score_says_where_it_was_lost(lost):
    assert not lost.is_scored
    assert np.isnan(lost.residual)
    assert lost.layers.empty
    assert repr(lost).splitlines()[1] == "    lost at: regulators"
    assert Dossier(source="A", target="B", verdict="x", logit=None, lost_at="y").key == ("A", "B")


def test_tables_are_checked_and_more_columns_are_kept(dossier_of):
    peaks = dossier_of().peaks
    more = dossier_of(peaks=peaks.assign(mine="x")[["mine", *peaks.columns[::-1]]]).peaks
    assert list(more.columns) == [*peaks.columns, "mine"]
    given_peaks = peaks.copy()
    given_peaks["start"] = given_peaks["start"].astype(float)
    assert dossier_of(peaks=given_peaks).peaks["start"].dtype == np.int64
    assert given_peaks["start"].dtype == np.float64


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"probability": 1.2}, "probability=1.2 is out of range"),
        ({"null_percentile": -1}, "null_percentile=-1"),
        ({"rank": 9, "n_candidates": 8}, "rank=9 is out of range: expected 1 to 8"),
        ({"logit": np.nan}, "a pair without a score has no ledger"),
        ({"baseline": np.nan}, "a score needs both as finite numbers"),
        ({"logit": np.inf}, "a score needs both as finite numbers"),
    ],
)
def test_figures_out_of_range_are_refused(dossier_of, changed, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        dossier_of(**changed)


def test_errors_of_tables_name_table_and_fix(dossier_of):
    full = dossier_of()
    with pytest.raises(ValueError, match=r"'peaks' of the dossier lacks the column.*'link'"):
        dossier_of(peaks=full.peaks.drop(columns="link"))
    with pytest.raises(ValueError, match=r"'peaks' .* has 'start' of kind object, expected whole"):
        dossier_of(peaks=full.peaks.assign(start="here"))
    with pytest.raises(ValueError, match="Unknown layer of the ledger 'DNA'"):
        dossier_of(ledger=full.ledger.assign(layer="DNA"))
    with pytest.raises(ValueError, match="'ledger' of the dossier holds NaN"):
        dossier_of(ledger=full.ledger.assign(contribution=np.nan))
    with pytest.raises(ValueError, match="has no logit: name the step"):
        Dossier(source="A", target="B", verdict="x")
    with pytest.raises(TypeError, match="pass a tuple of sentences"):
        dossier_of(reasons="One sentence.")


def test_every_column_is_explained_in_the_docstring_and_on_the_page(full, page):
    text = " ".join(inspect.getdoc(Dossier).split())
    for table, columns in Dossier.columns.items():
        for name, meaning in columns.items():
            assert f"``{name}``: {meaning}" in text, (table, name)
            shown = name in getattr(full, table).columns and table not in {"cells", "steps"}
            assert not shown or meaning in page.text, (table, name)


# ---- JSON


@pytest.mark.parametrize("options", [{}, {"has_dna": False}, {"n_peaks": 0}, {"context": "T cell"}])
def test_json_gives_back_the_same(dossier_of, tmp_path, options):
    found = dossier_of(**options)
    same(found, Dossier.from_json(found.to_json(tmp_path / "one.json")))


def test_json_of_a_lost_pair_is_strict_and_gives_back_the_same(lost, tmp_path):
    path = lost.to_json(tmp_path / "one.json")

    def refuse(constant):
        raise AssertionError(constant)

    held = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    assert held["logit"] is None
    same(lost, Dossier.from_json(path))


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from(["Infinity", "nan", "null", "", "-1"]),
)
def test_json_keeps_names_and_numbers(tmp_path, name, value, word):
    cells = pd.DataFrame({"source": [value, 1.0], "target": [0.1, value], "group": [name, word]})
    steps = pd.DataFrame({"step": [name], "passed": [False], "detail": [word]})
    found = Dossier(source=name, target=word, verdict=name, lost_at=word, cells=cells, steps=steps)
    same(found, Dossier.from_json(found.to_json(tmp_path / "one.json")))


def test_what_is_no_dossier_is_refused(dossier_of, tmp_path):
    path = dossier_of().to_json(tmp_path / "one.json")
    held = json.loads(path.read_text(encoding="utf-8"))
    for damaged, text in (
        ("{", "is not JSON"),
        (json.dumps({"nodes": []}), "is no dossier"),
        (json.dumps(held | {"version": 2}), "of version 2, this grnet reads 1"),
        (json.dumps(held | {"peaks": [1]}), "damaged dossier"),
    ):
        path.write_text(damaged, encoding="utf-8")
        with pytest.raises(ValueError, match=text):
            Dossier.from_json(path)
    with pytest.raises(FileNotFoundError):
        Dossier.from_json(tmp_path / "none.json")


# ---- the page


def test_the_page_tells_verdict_figures_sum_and_residual(full, page):
    text = page.text
    order = [text.index(part) for part in (full.verdict, "0.914", "How the score adds up")]
    assert order == sorted(order)
    rows = page.table(["layer", "kind", "entries"])[1:]
    numbers = [float(row[-1].split()[0]) for row in rows]
    assert [rows[0][0], rows[-2][0], rows[-1][0]] == ["baseline", "residual", "logit"]
    assert sum(numbers[:-1]) == pytest.approx(numbers[-1], abs=5e-4)
    assert numbers[-1] == pytest.approx(full.logit, abs=1e-4)
    assert numbers[-2] == pytest.approx(0.004, abs=1e-4)


def test_the_largest_entries_and_the_rest_add_up(full, page):
    rows = page.table(["layer", "kind", "name"])[1:]
    values = [float(row[-1]) for row in rows]
    assert rows[-1][2] == f"{len(full.ledger) - 25:,} smaller ones"
    assert values[:25] == sorted(values[:25], key=abs, reverse=True)
    assert sum(values) == pytest.approx(full.ledger["contribution"].sum(), abs=0.02)


def test_the_page_has_every_table_and_only_those_with_rows(dossier_of, page, tmp_path):
    for title in ("Peaks (3)", "Motif hits (5)", "Bases (1,050)", "Nodes near by (4)"):
        assert title in page.text
    assert "850 smaller rows are left out" in page.text
    less = page_of(dossier_of(0, has_dna=False), tmp_path)
    for title in ("Peaks", "Motif hits", "Bases"):
        assert f"{title} (" not in less.text


def test_the_page_needs_nothing_and_runs_nothing(page):
    assert not {"script", "link", "iframe", "object", "form"} & {tag for tag, _ in page.tags}
    for _, attributes in page.tags:
        assert "href" not in attributes
        assert attributes.get("src", "data:image/svg+xml;base64,").startswith("data:image/svg")
        assert not [name for name in attributes if name.startswith("on")]
    assert any("default-src 'none'" in (a.get("content") or "") for _, a in page.tags)
    (source,) = [a["src"] for tag, a in page.tags if tag == "img"]
    picture = base64.b64decode(source.split(",")[1]).decode()
    assert "<script" not in picture
    assert not re.search(r'href="(?!#|data:image/png)', picture)


def test_hostile_names_stay_text(dossier_of, tmp_path):
    full = dossier_of()
    ledger = full.ledger.assign(name=HOSTILE, kind=HOSTILE)
    found = dossier_of(
        source=HOSTILE,
        target=HOSTILE,
        verdict=HOSTILE,
        context=HOSTILE,
        reasons=(HOSTILE,),
        ledger=ledger,
        lost_at=HOSTILE,
        nodes=full.nodes.assign(name=HOSTILE),
        cells=full.cells.assign(group=HOSTILE),
        peaks=full.peaks.assign(**{HOSTILE: HOSTILE}),
        params={HOSTILE: HOSTILE},
    )
    for markup in (
        found.to_html(tmp_path / "one.html").read_text(encoding="utf-8"),
        found._repr_html_(),
    ):
        assert "<b onclick" not in markup
        assert "</script>" not in markup
        assert HOSTILE in Page(markup).text


def test_the_same_dossier_gives_the_same_bytes(dossier_of, markup, tmp_path):
    again = dossier_of().to_html(tmp_path / "b.html").read_text(encoding="utf-8")
    assert again == markup


def test_places_in_the_picture_have_no_digits_left_to_chance(dossier_of):
    figure = gn.pl.dossier(dossier_of())
    _page._settle(figure)
    parts, places = list(figure.subfigs), [axes.get_position().bounds for axes in figure.axes]
    while parts:
        part = parts.pop()
        places.append(part.bbox_relative.get_points().ravel())
        parts += part.subfigs
    assert len(places) > len(figure.axes)
    np.testing.assert_allclose(places, np.round(places, 4), rtol=0, atol=1e-12)
    before = places[0]
    figure.draw_without_rendering()
    assert figure.axes[0].get_position().bounds == before


def test_a_lost_pair_has_a_page_of_words(lost, dossier_of, tmp_path):
    page = page_of(lost, tmp_path)
    assert "Lost at: regulators" in page.text
    assert "the pair was not scored" in page.text
    assert not page.tables
    assert "img" not in {tag for tag, _ in page.tags}
    cells = dossier_of().cells
    seen = Dossier(source="A", target="B", verdict="No.", lost_at="x", cells=cells)
    assert "img" in {tag for tag, _ in page_of(seen, tmp_path).tags}


def test_an_edge_of_the_training_set_is_marked(dossier_of, page, tmp_path):
    seen = dossier_of(0, has_dna=False, known=True)
    assert "is no evidence of its own" in page_of(seen, tmp_path).text
    assert "is no evidence of its own" not in page.text


def test_the_notebook_view_is_complete_and_leaves_no_figure_open(dossier_of):
    before = plt.get_fignums()
    markup = dossier_of()._repr_html_()
    page = Page(markup)
    assert plt.get_fignums() == before
    assert "How the score adds up" in page.text
    (source,) = [a["src"] for tag, a in page.tags if tag == "img"]
    pixels = plt.imread(io.BytesIO(base64.b64decode(source.split(",")[1])))
    assert pixels.shape[1] > 1_000
    assert pixels[..., :3].std() > 0.05


def test_a_file_appears_whole_or_not_at_all(lost, tmp_path):
    path = lost.to_html(tmp_path / "deep" / "page.html")
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        lost.to_html(tmp_path / "folder.html")
    assert [file.name for file in path.parent.iterdir()] == ["page.html"]


# ---- many


def test_a_folder_of_dossiers_is_linked_from_its_index(dossier_of, lost, tmp_path):
    links = gn.explain.write_dossiers([dossier_of(), lost], tmp_path / "dossiers")
    assert links == {
        ("GCN4", "HIS4"): "dossiers/GCN4_HIS4.html",
        ("XYZ1", "HIS4"): "dossiers/XYZ1_HIS4.html",
    }
    folder = tmp_path / "dossiers"
    assert len(list(folder.iterdir())) == 5
    same(dossier_of(), Dossier.from_json(folder / "GCN4_HIS4.json"))
    index = Page((folder / "index.html").read_text(encoding="utf-8"))
    hrefs = [a["href"] for tag, a in index.tags if tag == "a"]
    assert hrefs == ["GCN4_HIS4.html", "XYZ1_HIS4.html"]
    page = Page((folder / "GCN4_HIS4.html").read_text(encoding="utf-8"))
    (href,) = [a["href"] for tag, a in page.tags if tag == "a"]
    assert (folder / href).is_file()


def test_any_name_gives_a_safe_file_of_its_own(tmp_path):
    names = ["A_B", "A", "a", "../../x", "HLA-A/B", "\u03b2", "\u03b3", "x" * 300, ".hidden", "CON"]
    names += ["HLA-A B", "-rf", "nul\n", ""]
    pairs = [(one, other) for one in names for other in ("C", "B_C")]
    held = [Dossier(source=a, target=b, verdict="No.", lost_at="x") for a, b in pairs]
    held.append(Dossier(source="A", target="C", context="T cell", verdict="No.", lost_at="x"))
    links = gn.explain.write_dossiers(held, tmp_path / "d")
    assert set(links) == {*pairs, ("A", "C", "T cell")}
    assert len({path.casefold() for path in links.values()}) == len(held)
    for key, path in links.items():
        assert re.fullmatch(r"d/[A-Za-z0-9_][A-Za-z0-9._-]{0,200}\.html", path), path
        stored = Dossier.from_json((tmp_path / path).with_suffix(".json"))
        assert stored.key == key
    assert gn.explain.write_dossiers(held[::-1], tmp_path / "d") == links


def test_no_dossier_or_twice_the_same_pair_is_refused(lost, tmp_path):
    with pytest.raises(ValueError, match="Found no dossier"):
        gn.explain.write_dossiers([], tmp_path / "d")
    with pytest.raises(ValueError, match="two dossiers of XYZ1 -> HIS4"):
        gn.explain.write_dossiers([lost, lost], tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_every_table_has_a_title():
    assert list(_columns.TITLES) == TABLES
