"""The sheet of the worst labels: the right rows, the right company, a safe page."""

import re
import zlib
from base64 import b64decode
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_digits, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors

from skoverfit._core._png import png_address
from skoverfit.datasets import make_label_noise
from skoverfit.exceptions import BadInputError
from skoverfit.inspection import label_review_sheet
from skoverfit.noisy_labels import NeighborDisagreementFilter

FAST = {"excess": False, "random_state": 0}


@pytest.fixture(scope="module")
def noisy_digits():
    X, y = load_digits(return_X_y=True)
    return X, *make_label_noise(y, rate=0.2, return_mask=True, random_state=0)


@pytest.fixture(scope="module")
def mixed():
    """Return a frame with texts, gaps and named rows, and labels that follow it."""
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=200)
    frame = pd.DataFrame(
        {
            "size": y * 3.0 + rng.normal(size=200),
            "colour": np.where(rng.random(200) < 0.9, y, 1 - y),
            "noise": rng.normal(size=200),
        },
        index=[f"case-{i}" for i in range(200)],
    )
    frame["colour"] = frame["colour"].map({0: "red", 1: "blue"})
    frame.loc["case-5", "size"] = np.nan
    frame.loc["case-6", "colour"] = None
    labels = np.array(["cat", "dog"])[y]
    wrong = np.array([10, 20, 30])
    labels[wrong] = np.where(labels[wrong] == "cat", "dog", "cat")
    return frame, labels, wrong


class Reader(HTMLParser):
    """Collects tags that are open at the end, texts and addresses."""

    VOID = ("meta", "input", "img", "br")

    def __init__(self, page):
        super().__init__()
        self.stack, self.addresses, self.tags = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [v for k, v in attrs if k in ("src", "href") and v]
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag


def test_the_worst_rows_are_wrong_and_their_labels_are_suggested(noisy_digits):
    X, y, wrong = noisy_digits
    clean = load_digits().target
    sheet = label_review_sheet(X, y, image_shape=(8, 8), **FAST)
    assert len(sheet.rows) == 50
    assert wrong[sheet.rows].mean() >= 0.9
    hit = sheet.suggested.astype(int) == clean[sheet.rows]
    assert hit.mean() >= 0.8  # rows with right labels are no hits
    table = sheet.to_frame()
    assert list(table["row"]) == list(sheet.rows)
    assert list(table["given_label"]) == list(y[sheet.rows])
    assert table["new_label"].isna().all()
    assert table["label_quality"].is_monotonic_increasing


def test_neighbours_are_the_nearest_rows_of_either_label_that_are_not_suspect(
    noisy_digits,
):
    X, y, _ = noisy_digits
    found = NeighborDisagreementFilter().fit(X, y)
    sheet = label_review_sheet(X, y, issues=found, image_shape=(8, 8), n_rows=3, **FAST)
    cards = sheet.html.split('<article class="card')[1:]
    for card, row, suggested in zip(cards, sheet.rows, sheet.suggested, strict=True):
        shown = [int(r) for r in re.findall(r"<br>row (\d+)</figcaption>", card)]
        expected = []
        for label in (suggested, y[row]):
            pool = np.flatnonzero((y == label) & ~found.issue_mask_)
            search = NearestNeighbors(n_neighbors=2).fit(X[pool])
            expected += list(pool[search.kneighbors(X[[row]])[1][0]])
        assert shown == expected
        assert suggested == found.predicted_label_[row]


def test_columns_that_part_the_row_from_its_label_come_first(mixed):
    frame, labels, wrong = mixed
    sheet = label_review_sheet(frame, labels, issues=wrong, **FAST)
    assert sorted(sheet.rows) == list(wrong)
    named = re.findall(r'<th scope="row">(\w+)</th><td>', sheet.html)
    # Size is three deviations apart; one in ten colours is that of the other label.
    assert len(named) == 9
    assert sum(name != "noise" for name in named[::3]) >= 2
    # Nothing was proposed: the neighbours vote for the other label.
    assert all(a != b for a, b in zip(sheet.suggested, labels[sheet.rows], strict=True))
    assert "case-10" in sheet.html
    assert set(sheet.to_frame()["index"]) == {"case-10", "case-20", "case-30"}


def test_a_frame_with_texts_and_gaps_needs_no_estimator(mixed):
    frame, labels, wrong = mixed
    before = frame.copy()
    sheet = label_review_sheet(frame, labels, random_state=0, n_rows=8)
    assert set(wrong) & set(sheet.rows)
    assert "If no label were wrong" in sheet.html
    assert "–" in label_review_sheet(frame, labels, issues=[5, 6], **FAST).html
    pd.testing.assert_frame_equal(frame, before)


def test_the_page_says_whether_more_is_suspect_than_hard_rows_explain(noisy_digits):
    X, y, _ = noisy_digits
    sure = label_review_sheet(X, y, image_shape=(8, 8), n_rows=1, random_state=0)
    assert "only wrong labels explain" in sure.html
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1.0, 1.0], 400)
    y = (p[:, 1] > rng.random(400)).astype(int)
    open_ = label_review_sheet(p, y, pred_proba=p, n_rows=1, random_state=0)
    assert "it may be nothing" in open_.html


def test_every_source_of_findings_gives_the_rows_it_names(mixed):
    frame, labels, wrong = mixed
    mask = np.isin(np.arange(200), wrong)
    quality = np.where(mask, 0.01, 0.99)
    as_frame = pd.DataFrame({"is_label_issue": mask, "label_quality": quality})
    for issues in (mask, wrong, as_frame):
        sheet = label_review_sheet(frame, labels, issues=issues, **FAST)
        assert sorted(sheet.rows) == list(wrong)
    few = label_review_sheet(frame, labels, issues=quality, **FAST)
    assert len(few.rows) == 10
    assert set(wrong) <= set(few.rows)
    assert "None of" in few.html
    none = label_review_sheet(frame, labels, issues=np.zeros(200, bool), **FAST)
    assert "not suspect" in none.html
    proba = np.where(labels[:, None] == ["cat", "dog"], 0.9, 0.1)
    proba[wrong] = proba[wrong, ::-1]
    told = label_review_sheet(frame, labels, pred_proba=proba, **FAST)
    assert sorted(told.rows) == list(wrong)
    reverse = label_review_sheet(
        frame, labels, pred_proba=proba[:, ::-1], classes=["dog", "cat"], **FAST
    )
    assert list(reverse.rows) == list(told.rows)


def test_the_page_is_well_formed_and_names_are_escaped(mixed):
    frame, labels, wrong = mixed
    evil = '<script>alert("x")</script>'
    frame = frame.rename(columns={"size": evil})
    frame["colour"] = frame["colour"].replace("red", "<img src=x onerror=y>")
    frame.index = [f"<b>{i}</b>" for i in range(200)]
    labels = np.where(labels == "cat", "<i>&cat", labels)
    sheet = label_review_sheet(frame, labels, issues=wrong, title=evil, **FAST)
    page = Reader(sheet.html)
    assert page.stack == []
    assert not {"script", "i", "link", "img"} & set(page.tags)
    assert all(address.startswith("#") for address in page.addresses)
    assert "&lt;i&gt;&amp;cat" in sheet.html
    # The table has the labels as they are, or they could not be put back.
    assert set(sheet.to_frame()["given_label"]) <= set(labels)


def test_the_kind_of_table_changes_nothing():
    X, y = load_iris(return_X_y=True)
    y = make_label_noise(np.array(["a", "b", "c"])[y], rate=0.1, random_state=0)
    rows = label_review_sheet(X, y, **FAST).rows
    names = ["w", "x", "y", "z"]
    for table in (
        pl.DataFrame(X, schema=names),
        pd.DataFrame(X, columns=names),
        sp.csr_array(X),
        X.tolist(),
    ):
        assert list(label_review_sheet(table, pd.Series(y), **FAST).rows) == list(rows)


def test_rows_without_company_are_shown_alone():
    X = np.arange(3.0)[:, None]
    sheet = label_review_sheet(X, ["a", "a", "b"], issues=[2], n_neighbors=3, **FAST)
    assert list(sheet.suggested) == ["a"]
    alone = label_review_sheet(X, ["a", "a", "a"], issues=[0], n_neighbors=0, **FAST)
    assert list(alone.suggested) == [None]
    assert "→" not in alone.html


def test_same_call_same_bytes_and_files_beside_each_other(mixed, tmp_path):
    frame, labels, _ = mixed
    path = tmp_path / "labels.html"
    one, again = (
        label_review_sheet(frame, labels, path=path, n_rows=4, **FAST) for _ in range(2)
    )
    assert (one.html, one.csv) == (again.html, again.csv)
    assert path.read_text("utf-8") == one.html
    assert path.with_suffix(".csv").read_text("utf-8") == one.csv
    with pytest.raises(BadInputError, match=r"name the page, with the ending \.html"):
        one.save(tmp_path / "labels.csv")


@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 1), (3, 5, 3)])
def test_a_png_holds_the_picture(shape):
    picture = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    data = b64decode(png_address(picture).partition(",")[2])
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at = data.index(b"IDAT")
    size = int.from_bytes(data[at - 4 : at], "big")
    lines = np.frombuffer(zlib.decompress(data[at + 4 : at + 4 + size]), np.uint8)
    lines = lines.reshape(3, -1)
    assert (lines[:, 0] == 0).all()
    assert np.array_equal(lines[:, 1:].ravel(), picture.ravel())


def test_pictures_are_read_from_arrays_of_any_rank():
    X, y = load_digits(return_X_y=True)
    kept = slice(0, 200)
    flat = label_review_sheet(X[kept], y[kept], image_shape=(8, 8), n_rows=3, **FAST)
    cube = X[kept].reshape(-1, 8, 8)
    same = label_review_sheet(cube, y[kept], image_shape=(8, 8), n_rows=3, **FAST)
    assert same.html == flat.html


def test_bad_input_is_one_sentence(mixed):
    frame, labels, wrong = mixed
    X, y = load_iris(return_X_y=True)
    model = LogisticRegression()
    cases = [
        ({"estimator": model, "issues": wrong}, "either estimator= or issues="),
        ({"estimator": model, "pred_proba": [[1.0]]}, "either estimator= or pred_"),
        ({"image_shape": (8, 8)}, r"64 numbers, but a row of X has 4 of dtype float"),
        ({"image_shape": (4,)}, r"image_shape must be \(height, width\).*Got \(4,\)"),
        ({"n_rows": 0}, "n_rows.*Got 0"),
        ({"n_neighbors": 99}, "n_neighbors.*Got 99"),
    ]
    for change, message in cases:
        with pytest.raises(ValueError, match=message):
            label_review_sheet(X, y, **change)
    with pytest.raises(ValueError, match="X has 200 rows, but y has 199 labels"):
        label_review_sheet(frame, labels[1:])
    with pytest.raises(ValueError, match="1 missing labels, the first in row 0"):
        label_review_sheet(frame, [None, *labels[1:]])


def test_shares_are_counted_and_tables_take_the_place_of_missing_bars():
    X = pd.DataFrame(np.arange(60.0).reshape(6, 10)[:, :9])
    y = ["a", "a", "b", "b", "c", "c"]
    issues = np.array([False, False, True, True, True, False])
    page = label_review_sheet(X, y, issues=issues, random_state=0).html
    shares = re.findall(r'class="num">([^<]*%)</td>', page)
    assert sorted(shares) == ["0 %", "100 %", "50 %"]
    # No probabilities, no column for them.
    assert page.count('class="card review alone"') == 3
    assert "1 more column<" in page
    p = np.full((6, 3), 1 / 3)
    page = label_review_sheet(X, y, issues=issues, pred_proba=p, random_state=0).html
    assert page.count('class="card review"') == 3


@pytest.mark.browser
def test_in_a_browser_it_is_silent_sorts_and_fits_a_phone(
    noisy_digits, tmp_path, browser
):
    X, y, _ = noisy_digits
    path = tmp_path / "labels.html"
    sheet = label_review_sheet(X, y, image_shape=(8, 8), n_rows=12, path=path, **FAST)
    page = browser.new_page(viewport={"width": 360, "height": 800})
    heard, asked = [], []
    page.on("console", lambda message: heard.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri(), wait_until="networkidle")
    widths = "[document.documentElement.scrollWidth, innerWidth]"
    assert page.evaluate(widths) == [360, 360]
    sizes = page.evaluate("[...document.images].map(i => i.naturalWidth)")
    assert set(sizes) == {8}

    def order():
        cards = page.evaluate(
            """[...document.querySelectorAll('.review')].map(c =>
                [c.getBoundingClientRect().top, c.querySelector('h3').innerText])"""
        )
        return [int(text.split()[1]) for _, text in sorted(cards)]

    assert order() == list(sheet.rows)
    page.check("#by-row")
    assert order() == sorted(sheet.rows)
    page.close()
    assert heard == []
    assert all(url.startswith(("file:", "data:")) for url in asked)
