"""The report: every section, every name escaped, the same bytes every time."""

import copy
import importlib.util
import math
import re
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

import matplotlib
from matplotlib.figure import Figure

from skoverfit.bench import _report_view as view
from skoverfit.bench._rank_figure import cliques
from skoverfit.bench._report import render_report, write_report
from skoverfit.exceptions import BadInputError
from skoverfit.inspection._svg import THEME, drawing_style, inline_svg

# By path, because the tests are no package; once, because it keeps rendered pages.
_NAME = "skoverfit_analysis_fixture"
if _NAME not in sys.modules:
    _spec = importlib.util.spec_from_file_location(
        _NAME, Path(__file__).with_name("_analysis_fixture.py")
    )
    sys.modules[_NAME] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[_NAME])
fixture = sys.modules[_NAME]

NAMES = ["rich", "single", "hostile", "empty"]
VOID = {"meta", "link", "img", "br", "hr", "input", "base"}
SECTIONS = [
    "verdicts",
    "leaderboard",
    "comparisons",
    "gaps",
    "heat",
    "ranks",
    "reliability",
    "costs",
    "failures",
    "run",
]
HTML_TAGS = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "nav"),
    *("section", "article", "figure", "h1", "h2", "h3", "h4", "p", "a", "b", "em"),
    *("strong", "small", "span", "ul", "li", "dl", "dt", "dd", "div", "table"),
    *("thead", "tbody", "tr", "th", "td", "details", "summary", "pre", "code"),
}
# html.parser writes all tags small.
SVG_TAGS = {
    *("svg", "title", "defs", "g", "path", "use", "text", "rect", "line", "circle"),
    *("clippath", "tspan"),
}


class Page(HTMLParser):
    """The elements of a page as (tag, attributes, text of it and of its children)."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.problems = [], [], []
        self.feed(text)
        self.close()
        if self.open:
            self.problems.append(f"never closed: {self.open}")

    def handle_starttag(self, tag, attrs):
        element = {"tag": tag, "attrs": dict(attrs), "text": "", "within": []}
        element["within"] = [parent["tag"] for parent in self.open]
        if len(attrs) != len(dict(attrs)):
            self.problems.append(f"repeated attribute in {tag} {attrs}")
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open[-1]["tag"] != tag:
            self.problems.append(f"</{tag}> closes {self.open[-1:]}")
        else:
            self.open.pop()

    def handle_data(self, data):
        for element in self.open:
            element["text"] += data

    def handle_comment(self, data):
        self.problems.append(f"comment {data!r}")

    def all(self, tag, css=None):
        return [
            element
            for element in self.elements
            if element["tag"] == tag
            and (css is None or css in element["attrs"].get("class", "").split())
        ]

    def text(self):
        return self.elements[0]["text"]


@pytest.fixture(scope="module")
def pages():
    made = {name: fixture.rendered(name) for name in NAMES}
    return {name: (text, Page(text)) for name, text in made.items()}


# --- the page as a whole ------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_page_is_well_formed_and_has_only_known_elements(pages, name):
    _, page = pages[name]
    assert page.problems == []
    tags = {element["tag"] for element in page.elements}
    assert tags <= HTML_TAGS | SVG_TAGS
    attributes = {key for element in page.elements for key in element["attrs"]}
    assert not [key for key in attributes if key.startswith("on")]
    assert "style" not in {key for e in page.all("td") for key in e["attrs"]}


@pytest.mark.parametrize("name", NAMES)
def test_page_says_language_viewport_and_a_strict_policy(pages, name):
    text, page = pages[name]
    assert text.startswith("<!DOCTYPE html>")
    assert page.elements[0]["attrs"] == {"lang": "en"}
    metas = [element["attrs"] for element in page.all("meta")]
    policy = next(m["content"] for m in metas if "http-equiv" in m)
    assert policy.split("; ")[:3] == [
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src data:",
    ]
    assert any(m.get("name") == "viewport" for m in metas)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_refers_outside_the_page(pages, name):
    text, page = pages[name]
    ids = [e["attrs"]["id"] for e in page.elements if "id" in e["attrs"]]
    assert max(Counter(ids).values()) == 1
    for element in page.elements:
        for key in ("href", "xlink:href"):
            if key in element["attrs"]:
                target = element["attrs"][key]
                assert target.startswith("#")
                assert target[1:] in ids
        assert not {"src", "srcset", "action", "data"} & set(element["attrs"])
        for found in re.findall(r"url\((.*?)\)", " ".join(
            value or "" for value in element["attrs"].values()
        )):  # fmt: skip
            assert found.removeprefix("#") in ids
        for label in element["attrs"].get("aria-labelledby", "").split():
            assert label in ids
    assert "@import" not in text
    assert not re.search(r"https?:|//[a-z]", text)


@pytest.mark.parametrize("name", NAMES)
def test_every_section_is_there_in_order_and_says_something(pages, name):
    _, page = pages[name]
    heads = [e["attrs"]["id"] for e in page.all("h2")]
    assert heads == SECTIONS
    for section in page.all("section"):
        assert len(section["text"].split()) > 6
    links = [a["attrs"]["href"] for a in page.all("a")]
    assert links == [f"#{section}" for section in SECTIONS]


def test_the_same_analysis_gives_the_same_bytes_and_is_not_changed():
    analysis = fixture.single_analysis()
    for key in ("comparisons", "leaderboard", "gaps", "heat", "reliability", "costs"):
        analysis[key] = [r for r in analysis[key] if r["estimator"] == "random forest"]
    before = copy.deepcopy(analysis)
    settings = dict(matplotlib.rcParams)
    first = render_report(analysis)
    assert analysis == before
    assert dict(matplotlib.rcParams) == settings
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        assert render_report(analysis) == first


def test_pyplot_is_never_loaded(pages):
    # Earlier tests of the same process may have loaded it, but not the report.
    import subprocess

    code = (
        "import sys; from skoverfit.bench._figures import cost_svg; "
        "from skoverfit.bench._rank_figure import rank_svg; "
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- hostile names ------------------------------------------------------------------


def test_hostile_names_stay_text(pages):
    text, page = pages["hostile"]
    assert "<script" not in text
    assert "<img" not in text
    assert "<!--" not in text
    assert "</title><" not in text.replace("</title><defs", "").replace(
        "</title><g", ""
    )
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e\ud800-\udfff]", text)
    assert fixture.HOSTILE[0] in page.text()
    assert page.all("title")[0]["text"] == fixture.HOSTILE[1]
    assert "{{ 7*7 }}" in page.text()


def test_hostile_names_in_figures_are_neither_elements_nor_mathematics(pages):
    _, page = pages["hostile"]
    drawn = " ".join(e["text"] for e in page.all("text") if "svg" in e["within"])
    assert "<script>alert(1)</script>" in drawn
    assert "$\\frac{1}{0}$" in drawn
    labels = " ".join(e["text"] for e in page.all("title") if "svg" in e["within"])
    assert "<script>alert(1)</script>" in labels


def test_long_names_are_cut_and_kept_whole_in_the_title(pages):
    _, page = pages["hostile"]
    whole = " ".join(fixture.HOSTILE[4].split())
    cut = [e for e in page.all("span") if e["attrs"].get("title") == whole]
    assert cut
    assert all(len(e["text"]) < 61 and e["text"].endswith("…") for e in cut)
    assert max(len(e["text"]) for e in page.all("text")) < 60


def test_infinite_ends_are_said_to_be_not_estimable(pages):
    _, page = pages["hostile"]
    spans = [e["text"] for e in page.all("span", "estimate")]
    assert len(spans) > 30
    costs = [s for s in spans if " ms" in s or s.endswith("×")]
    assert all("not estimable" in s for s in spans if s not in costs)
    body = page.all("body")[0]["text"]
    assert not re.search(r"\b(inf|nan|Infinity|NaN|None)\b", body)
    assert "not known" in body
    attributes = " ".join(
        value or ""
        for e in page.elements
        if "svg" in e["within"]
        for value in e["attrs"].values()
    )
    assert not re.search(r"\b(inf|nan)\b", attributes)


# --- what it says -------------------------------------------------------------------


def test_verdicts_are_said_in_words_with_their_clauses(pages):
    _, page = pages["rich"]
    cards = page.all("article", "verdict")
    assert len(cards) == 3
    pills = [e["text"].split() for e in page.all("span", "pill")]
    assert ["▲", "helps", "in", "1", "of", "3", "scenarios"] in pills
    assert ["–", "no", "remedy", "helps"] in pills
    for card, verdict in zip(cards, fixture.rich_analysis()["verdicts"], strict=True):
        assert verdict["sentence"] in card["text"]
        for clause in verdict["clauses"]:
            assert clause["group"] in card["text"]
            assert clause["sentence"] in card["text"]


def test_one_scenario_has_no_clauses_and_says_why_there_is_no_diagram(pages):
    _, page = pages["single"]
    assert not page.all("ul", "clauses")
    (ranks,) = (s for s in page.all("section") if "Ranks across" in s["text"])
    assert ranks["text"].count("One table alone has no ranks") == 1
    figures = [e["attrs"]["aria-labelledby"] for e in page.all("svg", "figure")]
    assert not [name for name in figures if name.startswith("rank-")]
    labels = [
        e["text"] for e in page.elements if e["tag"] in ("h3", "h4", "b", "title")
    ]
    assert not [label for label in labels if "as it is" in label]


def test_a_single_table_has_reliability_curves_of_every_estimator(pages):
    _, page = pages["single"]
    figures = [e["attrs"]["aria-labelledby"] for e in page.all("svg", "figure")]
    assert len([name for name in figures if name.startswith("rel-")]) == 4
    titles = [e["text"] for e in page.all("title") if "Reliability" in e["text"]]
    for estimator in fixture.ESTIMATORS:
        assert any(f", adult.csv, {estimator}:" in title for title in titles)
    heads = [e["text"].strip() for e in page.all("h4")]
    assert set(fixture.ESTIMATORS) <= set(heads)


def test_every_estimate_stands_beside_its_interval(pages):
    for name in ("rich", "single"):
        _, page = pages[name]
        for estimate in page.all("span", "estimate"):
            assert re.search(r"\[.+, .+\]|×$", estimate["text"]), estimate["text"]


def test_no_comparison_is_lost_and_the_first_are_few(pages):
    analysis = fixture.rich_analysis()
    blocks = view.comparison_blocks(analysis)
    assert sum(len(g["all"]) for b in blocks for g in b["groups"]) == len(
        analysis["comparisons"]
    )
    assert all(len(g["first"]) <= 4 for b in blocks for g in b["groups"])
    for block in blocks:
        assert sum(part["n"] for part in block["tally"]) == block["n"]
        for group in block["groups"]:
            ranks = [view._ORDER.index(row["outcome"]) for row in group["all"]]
            assert ranks == sorted(ranks)
    _, page = pages["rich"]
    assert len(page.all("table", "comparisons")) == 6


def test_what_was_run_repeats_it(pages):
    _, page = pages["rich"]
    analysis = fixture.rich_analysis()
    assert page.all("pre")[0]["text"] == analysis["command"]
    text = page.text()
    for piece in (*analysis["protocol"].values(), *analysis["versions"].values()):
        assert piece in text
    assert "patient_id" in text
    assert analysis["failures"][0]["error"] in text
    assert analysis["skipped"][0]["reason"] in text
    assert text.count("1\u202f797 rows") == len(analysis["tables"])


def test_an_unfinished_run_says_so(pages):
    assert "0 of 540 cells are done" in pages["empty"][1].text()
    assert "cells are done" not in pages["rich"][1].text()


# --- small, large and odd runs ------------------------------------------------------


def reduced(estimators, remedies, *, tables=("t",)):
    builder = fixture._Builder(["as it is"], list(tables), estimators, remedies, 0)
    return builder.analysis()


def test_one_remedy_with_one_estimator():
    page = Page(render_report(reduced(["e"], ["nothing", "tuned threshold"])))
    assert page.problems == []
    assert "2 comparisons:" not in page.text()
    assert page.text().count("1 comparison:") == 3


def test_many_methods_stay_bounded():
    remedies = ["nothing", "tuned threshold", *(f"remedy {i}" for i in range(18))]
    analysis = reduced(["e"], remedies, tables=("a", "b", "c"))
    page = Page(render_report(analysis))
    heights = [int(e["attrs"]["height"]) for e in page.all("svg", "figure")]
    assert max(heights) < 700
    assert "6 methods with worse ranks are not drawn" in page.text()
    assert all(remedy in page.text() for remedy in remedies)


def test_numbers_that_could_not_be_computed_draw_nothing_false():
    analysis = reduced(["e"], ["nothing", "tuned threshold", "r"])
    for key in ("comparisons", "leaderboard", "gaps", "heat", "costs"):
        for row in analysis[key]:
            for name, value in row.items():
                if isinstance(value, float):
                    row[name] = math.nan
    page = Page(render_report(analysis))
    assert page.problems == []
    assert not page.all("circle")
    assert not re.search(r"\bnan\b", page.all("body")[0]["text"])
    drawn = [e["attrs"]["aria-labelledby"] for e in page.all("svg", "figure")]
    assert all(name.startswith("rel-") for name in drawn)


def test_points_far_below_one_get_an_axis_that_shows_them():
    analysis = reduced(["e"], ["nothing"])
    for curve in analysis["reliability"]:
        for point in curve["points"]:
            for key in ("predicted", "observed", "lower", "upper"):
                point[key] /= 100
    page = Page(render_report(analysis))
    ticks = [e["text"] for e in page.all("text") if "svg" in e["within"]]
    assert "0.01" in ticks
    assert "0.5" not in ticks


# --- choices ------------------------------------------------------------------------


def test_the_best_baseline_is_always_on_the_leaderboard():
    question = fixture.rich_analysis()["questions"][0]
    rows = [
        {"rank": i, "remedy": "nothing" if i > 19 else "x", "estimator": str(i)}
        for i in range(1, 31)
    ]
    shown = view.top_leaders(rows[::-1], question)
    assert [row["rank"] for row in shown] == [1, 2, 3, 4, 5, 6, 7, 20]


def test_reliability_shows_nothing_first_and_the_most_harmful_last():
    analysis = fixture.rich_analysis()
    group, table = "as it is", "wine"
    (estimator, *_) = view.reliability_estimators(analysis, group, table)
    curves = view.reliability_choice(analysis, group, table, estimator)
    gain = {
        row["remedy"]: row["difference"]
        for row in analysis["comparisons"]
        if (row["question"], row["group"], row["estimator"])
        == ("probability", group, estimator)
    }
    names = [curve["remedy"] for curve in curves]
    ordered = sorted(gain, key=gain.get, reverse=True)
    assert names == ["nothing", *ordered[:2], ordered[-1]]


def test_heat_map_has_a_cell_for_each_difference():
    for make in (fixture.rich_analysis, fixture.single_analysis):
        analysis = make()
        question = analysis["questions"][0]
        maps = view.heat_maps(analysis, question)
        filled = [c for m in maps for r in m["rows"] for c in r["cells"] if c["value"]]
        expected = [c for c in analysis["heat"] if c["question"] == question["id"]]
        assert len(filled) == len(expected)
    assert len(maps) == 1
    assert maps[0]["heads"][0][0] == "as it is"


def test_a_missing_heat_cell_is_a_dash():
    analysis = fixture.single_analysis()
    analysis["heat"] = [c for c in analysis["heat"] if c["question"] == "ranking"][1:]
    (table,) = view.heat_maps(analysis, analysis["questions"][0])
    empty = [c for row in table["rows"] for c in row["cells"] if not c["value"]]
    assert len(empty) == 1


@pytest.mark.parametrize("seed", range(3))
def test_cliques_are_the_maximal_runs(seed):
    import random

    draw = random.Random(seed)
    ranks = sorted(draw.uniform(1, 9) for _ in range(9))
    width = draw.uniform(0.5, 4)
    runs = [
        slice(i, j)
        for i in range(9)
        for j in range(i + 2, 10)
        if ranks[j - 1] - ranks[i] <= width
        and (i == 0 or ranks[j - 1] - ranks[i - 1] > width)
        and (j == 9 or ranks[j] - ranks[i] > width)
    ]
    assert cliques(ranks, width) == runs


def test_outliers_do_not_set_the_scale():
    assert view.scale_of([0.1] * 20 + [50.0]) == pytest.approx(0.15)
    assert view.scale_of([math.inf, math.nan]) == 1.0
    assert view.scale_of([0.0]) > 0


# --- figures ------------------------------------------------------------------------


def small_figure():
    figure = Figure(figsize=(2, 1))
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], "o-", color=THEME["good"])
    axes.text(0, 0, "a <b> & $x$ \N{SNOWMAN} 日本")
    return figure


def test_figure_takes_its_colours_from_the_page_and_has_a_label():
    with drawing_style():
        svg = inline_svg(small_figure(), "one", "says <so>")
    page = Page(svg)
    assert page.problems == []
    assert "var(--good)" in svg
    assert not [colour for colour in THEME.values() if colour in svg]
    assert "font-family" not in svg
    root = page.elements[0]["attrs"]
    assert root["role"] == "img"
    title = next(e for e in page.elements if e["tag"] == "title")
    assert title["attrs"]["id"] == root["aria-labelledby"]
    assert title["text"] == "says <so>"
    assert page.all("text")[-1]["text"] == "a <b> & $x$ \N{SNOWMAN} 日本"


def test_figures_of_a_page_share_no_id():
    ids = []
    for prefix in ("one", "two"):
        with drawing_style():
            page = Page(inline_svg(small_figure(), prefix, ""))
        ids.append({e["attrs"]["id"] for e in page.elements if "id" in e["attrs"]})
    assert ids[0]
    assert not ids[0] & ids[1]
    with drawing_style(), pytest.raises(ValueError, match=r"prefix.*Got '1 \"'"):
        inline_svg(small_figure(), '1 "', "")


def test_every_figure_states_its_finding(pages):
    _, page = pages["rich"]
    titles = [e["text"] for e in page.all("title") if "svg" in e["within"]]
    assert len(titles) == len(page.all("svg", "figure")) > 30
    assert len(set(titles)) == len(titles)
    for word in ("leads", "widest gap", "best mean rank", "miss the diagonal", "gains"):
        assert any(word in title for title in titles)


# --- the file -----------------------------------------------------------------------


def test_report_is_written_whole_or_not_at_all(tmp_path, pages):
    analysis = fixture.empty_analysis()
    path = tmp_path / "report.html"
    assert write_report(analysis, path) == path
    assert path.read_text(encoding="utf-8") == pages["empty"][0]
    with pytest.raises(BadInputError, match=r"absent.*does not exist"):
        write_report(analysis, tmp_path / "absent" / "report.html")
