"""Escaped templates, cut names, and files that are never torn."""

import errno
import os
import stat
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, strategies as st

from skoverfit._core._html import (
    clean_text,
    shorten,
    template_environment,
    write_atomically,
)
from skoverfit.exceptions import BadInputError

# --- text ---------------------------------------------------------------------------


@given(st.text(st.characters(), max_size=60))
def test_clean_text_is_one_line_that_xml_accepts(text):
    line = clean_text(text)
    element = ET.Element("p")
    element.text = line
    assert (ET.fromstring(ET.tostring(element, encoding="unicode")).text or "") == line
    assert line == clean_text(line)
    assert len(line.splitlines()) <= 1


def test_clean_text_drops_what_reverses_or_hides_text():
    assert clean_text("abc\u202edef\u200bg\ud800h") == "abc def g h"


@given(st.text(st.characters(), max_size=60), st.integers(2, 30))
def test_shorten_never_exceeds_the_width(text, width):
    short = shorten(text, width)
    assert len(short) <= width
    if short != clean_text(text):
        assert short.endswith("…")


def test_shorten_counts_wide_characters_twice_and_accents_not_at_all():
    assert shorten("日本語", 6) == "日本語"
    assert shorten("日本語", 5) == "日本…"
    assert shorten("e\u0301" * 5, 5) == "e\u0301" * 5


# --- templates ----------------------------------------------------------------------


def test_every_template_is_escaped_and_an_undefined_name_is_an_error():
    jinja2 = pytest.importorskip("jinja2")
    environment = template_environment("skoverfit.bench")
    escaped = environment.from_string("{{ x }}").render(x="<b>&\"'")
    assert escaped == "&lt;b&gt;&amp;&#34;&#39;"
    assert callable(environment.autoescape) or environment.autoescape is True
    with pytest.raises(jinja2.UndefinedError, match="nowhere"):
        environment.from_string("{{ nowhere }}").render()


# --- files --------------------------------------------------------------------------


def leftovers(folder):
    return [name for name in os.listdir(folder) if name.endswith(".tmp")]


def test_writes_utf8_and_replaces(tmp_path):
    path = tmp_path / "report.html"
    assert write_atomically(path, "old") == path
    write_atomically(str(path), "né\nw")
    assert path.read_bytes() == "né\nw".encode()
    assert not leftovers(tmp_path)


def test_a_new_file_has_the_permissions_of_any_other(tmp_path):
    (tmp_path / "plain").write_text("x")
    write_atomically(tmp_path / "report", "x")
    modes = [(tmp_path / name).stat().st_mode for name in ("plain", "report")]
    assert modes[0] == modes[1]


def test_an_existing_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "report"
    path.write_text("old")
    path.chmod(0o600)
    write_atomically(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_atomically(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


@pytest.mark.parametrize(
    ("function", "number", "words"),
    [
        ("fsync", errno.ENOSPC, "the disk is full"),
        ("replace", errno.EACCES, "no permission"),
        ("fsync", errno.EIO, "Input/output error"),
    ],
)
def test_a_failure_leaves_the_old_file_whole(
    tmp_path, monkeypatch, function, number, words
):
    path = tmp_path / "report.html"
    path.write_text("old")

    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, function, fail)
    with pytest.raises(BadInputError, match=rf"report\.html.*{words}.*unchanged"):
        write_atomically(path, "new" * 1000)
    assert path.read_text() == "old"
    assert not leftovers(tmp_path)


def test_an_interrupt_leaves_no_temporary_file(tmp_path, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "report.html", "new")
    assert os.listdir(tmp_path) == []


def test_impossible_places_are_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInputError, match=r"absent' does not exist"):
        write_atomically(tmp_path / "absent" / "report.html", "x")
    with pytest.raises(BadInputError, match=r"file' is not a folder"):
        write_atomically(tmp_path / "file" / "report.html", "x")
    with pytest.raises(BadInputError, match="not a regular file"):
        write_atomically(tmp_path, "x")
