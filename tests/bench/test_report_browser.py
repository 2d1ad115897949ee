"""The report in a real browser: silent, self-contained, readable on a phone."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

NAMES = ["rich", "single", "hostile", "empty"]

# By path, because the tests are no package; once, because it keeps rendered pages.
_NAME = "skoverfit_analysis_fixture"
if _NAME not in sys.modules:
    _spec = importlib.util.spec_from_file_location(
        _NAME, Path(__file__).with_name("_analysis_fixture.py")
    )
    sys.modules[_NAME] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[_NAME])
fixture = sys.modules[_NAME]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    paths = {name: folder / f"{name}.html" for name in NAMES}
    for name, path in paths.items():
        path.write_text(fixture.rendered(name), encoding="utf-8")
    return paths


@pytest.fixture
def open_page(browser, files):
    contexts = []

    def open_(name, *, width=1200, scheme="light"):
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme
        )
        contexts.append(context)
        page = context.new_page()
        page.heard = []
        page.on("console", lambda m: page.heard.append(f"{m.type}: {m.text}"))
        page.on("pageerror", lambda error: page.heard.append(f"error: {error}"))
        page.on("dialog", lambda d: (page.heard.append("dialog"), d.dismiss()))
        page.requests = []
        page.on("request", lambda request: page.requests.append(request.url))
        page.goto(files[name].as_uri(), wait_until="networkidle")
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = 1)")
        return page

    yield open_
    for context in contexts:
        context.close()


@pytest.mark.parametrize("name", NAMES)
def test_page_is_silent_and_asks_for_nothing(open_page, files, name):
    page = open_page(name)
    assert page.heard == []
    assert page.requests == [files[name].as_uri()]
    assert page.evaluate("document.scripts.length") == 0
    assert page.evaluate("document.images.length") == 0


@pytest.mark.parametrize("name", NAMES)
def test_page_never_scrolls_sideways(open_page, name):
    page = open_page(name, width=360)
    for width in (360, 768, 1200):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("name", ["rich", "hostile"])
def test_every_figure_has_a_size_and_readable_text(open_page, name, width):
    page = open_page(name, width=width)
    sizes = page.evaluate(
        """[...document.querySelectorAll('svg')].map(s => {
            const r = s.getBoundingClientRect(); return [r.width, r.height] })"""
    )
    assert len(sizes) > 20
    assert min(min(size) for size in sizes) >= 10
    smallest = page.evaluate(
        """Math.min(...[...document.querySelectorAll('svg.figure text')].map(t =>
            parseFloat(getComputedStyle(t).fontSize) * t.getScreenCTM().a || 99))"""
    )
    assert smallest >= 9.9


def test_text_of_a_figure_stays_inside_it(open_page):
    page = open_page("rich")
    outside = page.evaluate(
        """[...document.querySelectorAll('svg.figure')].flatMap(s => {
            const box = s.getBoundingClientRect();
            return [...s.querySelectorAll('text')].filter(t => {
                const r = t.getBoundingClientRect();
                return r.left < box.left - 2 || r.right > box.right + 2
                    || r.top < box.top - 2 || r.bottom > box.bottom + 2;
            }).map(t => t.textContent) })"""
    )
    assert outside == []


def luminance(colour):
    numbers = [float(x) for x in re.findall(r"[\d.]+", colour)[:3]]
    parts = [x / 255 for x in numbers]
    linear = [
        x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


# Opaque colour behind an element: layers above the first opaque one are blended in.
PAIRS = """[...document.querySelectorAll(
    'body p, body h1, body h2, body h3, body h4, body td, body th, body small, body dt,'
    + 'body dd, body li, body a, body summary, body em, body code, body .pill'
)].filter(e => e.textContent.trim() && e.getClientRects().length).map(e => {
    const layers = [];
    for (let p = e; p; p = p.parentElement) {
        const c = getComputedStyle(p).backgroundColor.match(/[\\d.]+/g).map(Number);
        const alpha = c.length > 3 ? c[3] : 1;
        if (alpha) layers.push([c, alpha]);
        if (alpha === 1) break;
    }
    let back = [255, 255, 255];
    for (const [c, alpha] of layers.reverse())
        back = back.map((v, i) => alpha * c[i] + (1 - alpha) * v);
    return [e.tagName + '.' + e.className, getComputedStyle(e).color,
            `rgb(${back.join(' ')})`];
})"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_in_both_schemes(open_page, scheme):
    page = open_page("rich", scheme=scheme)
    pairs = {tuple(pair) for pair in page.evaluate(PAIRS)}
    assert len(pairs) > 20
    weak = [pair for pair in pairs if contrast(*pair[1:]) < 4.5]
    assert weak == []


def test_dark_scheme_changes_page_and_figures(open_page):
    seen = {}
    for scheme in ("light", "dark"):
        page = open_page("single", scheme=scheme)
        seen[scheme] = page.evaluate(
            """[getComputedStyle(document.body).backgroundColor,
                getComputedStyle(document.querySelector('svg.figure text')).fill]"""
        )
    light, dark = seen["light"], seen["dark"]
    assert luminance(light[0]) > 0.7 > 0.1 > luminance(dark[0])
    assert luminance(light[1]) < 0.1 < 0.7 < luminance(dark[1])


def test_the_command_is_selected_by_one_click(open_page):
    page = open_page("single")
    page.locator("pre").click()
    assert (
        page.evaluate("getSelection().toString().trim()")
        == (fixture.single_analysis()["command"])
    )


def test_printing_keeps_every_panel_on_the_paper(open_page):
    page = open_page("rich", width=760)
    page.emulate_media(media="print")
    cut = page.evaluate(
        """[...document.querySelectorAll('.panels')].filter(
            p => p.scrollWidth > p.clientWidth + 1).length"""
    )
    assert cut == 0
