# SPDX-License-Identifier: BSD-3-Clause
"""HTML reports: escaped templates, names cut to length, files that are never torn."""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import unicodedata
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from skoverfit.exceptions import BadInputError

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["clean_text", "shorten", "template_environment", "write_atomically"]

# What XML 1.0 forbids even when it is escaped, and what reorders or hides text.
_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"
    "\ud800-\udfff\ufffe\uffff]+"
)


def clean_text(text: object) -> str:
    r"""Return the text on one line, without what no page may hold.

    Control characters, lone surrogates and the characters that reverse or hide text
    become blanks, runs of blanks become one. Nothing is escaped here: that is the
    template's job.

    Parameters
    ----------
    text : object
        Anything; ``str`` of it is taken.

    Returns
    -------
    str
        One line that is valid in HTML and in XML.

    Examples
    --------
    >>> from skoverfit._core._html import clean_text
    >>> clean_text("a\x00b\n  c")
    'a b c'
    """
    return " ".join(_FORBIDDEN.sub(" ", str(text)).split())


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def shorten(text: object, width: int = 40) -> str:
    """Cut the cleaned text to a number of columns, with an ellipsis at the end.

    Parameters
    ----------
    text : object
        Anything; it goes through `clean_text`.
    width : int, default=40
        Largest width in columns; wide (e.g. Chinese) characters count two.

    Returns
    -------
    str
        The text itself where it fits.

    Examples
    --------
    >>> from skoverfit._core._html import shorten
    >>> shorten("random under-sampling", 10)
    'random un…'
    """
    line = clean_text(text)
    if sum(map(_width, line)) <= width:
        return line
    kept, used = [], 1
    for character in line:
        used += _width(character)
        if used > width:
            break
        kept.append(character)
    return "".join(kept).rstrip() + "…"


def template_environment(package: str, folder: str = "templates") -> Environment:
    """Return a jinja2 environment that escapes everything and forgives nothing.

    Parameters
    ----------
    package : str
        Dotted name of the package that ships the templates.
    folder : str, default="templates"
        Folder inside the package. Names that it lacks are looked up in the folder
        here, which has the frame (``page.html.j2``), its style and small macros.

    Returns
    -------
    jinja2.Environment
        Autoescape is on for every template, whatever its ending; an undefined name is
        an error. Filters: ``clean`` (`clean_text`) and ``shorten`` (`shorten`).

    Raises
    ------
    ImportError
        If jinja2 is not installed; the message says how to get it.
    """
    try:
        from jinja2 import (
            ChoiceLoader,
            Environment,
            PackageLoader,
            StrictUndefined,
        )
    except ImportError as exc:
        raise ImportError(
            "Reports need jinja2, which is not installed: "
            "pip install 'skoverfit[bench]'."
        ) from exc
    environment = Environment(
        loader=ChoiceLoader(
            [PackageLoader(package, folder), PackageLoader("skoverfit._core", folder)]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["clean"] = clean_text
    environment.filters["shorten"] = shorten
    return environment


def _write_error(path: Path, exc: OSError) -> BadInputError:
    reasons = {
        errno.ENOENT: f"the folder {str(path.parent)!r} does not exist",
        errno.ENOTDIR: f"{str(path.parent)!r} is not a folder",
        errno.EACCES: "no permission to write there",
        errno.EPERM: "no permission to write there",
        errno.EROFS: "the file system is read-only",
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the disk quota is used up",
        errno.ENAMETOOLONG: "the name is too long",
    }
    reason = reasons.get(exc.errno or 0, exc.strerror or str(exc))
    return BadInputError(
        f"Can't write {str(path)!r}: {reason}. What was there before is unchanged."
    )


def _sync_folder(folder: Path) -> None:
    # Makes the new name durable; a system that can't sync a folder needs no sync.
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_atomically(path: str | os.PathLike[str], text: str) -> Path:
    """Write the text so that the file is either the old one or the new one, whole.

    The text goes to a temporary file in the same folder, is forced to the disk, and
    then takes the name. A link is followed, an existing file keeps its permissions.

    Parameters
    ----------
    path : str or path-like
        Where to write; the folder has to exist.
    text : str
        Written as UTF-8, line ends as they are; a lone surrogate becomes ``?``.

    Returns
    -------
    pathlib.Path
        The path as it was given.

    Raises
    ------
    BadInputError
        If the file can't be written (no such folder, no permission, full disk, not a
        regular file); the sentence names the path, and the old file is unchanged.
    """
    given = Path(path)
    target = Path(os.path.realpath(given))
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.tmp")
    try:
        mode = target.stat().st_mode if target.exists() else None
        if mode is not None and not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it exists and is not a regular file")
        # Mode 0o666 less the umask: what a plain open() gives, unlike mkstemp's 0o600.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with open(os.open(temporary, flags, 0o666), "wb") as stream:
            if mode is not None:
                os.chmod(temporary, stat.S_IMODE(mode))
            stream.write(text.encode("utf-8", "replace"))
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except OSError as exc:
        raise _write_error(given, exc) from exc
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    _sync_folder(target.parent)
    return given
