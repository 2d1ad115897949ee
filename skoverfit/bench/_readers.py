# SPDX-License-Identifier: BSD-3-Clause
"""Read a table from a file within bounded memory, or say in a sentence why not."""

from __future__ import annotations

import codecs
import csv
import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from skoverfit.exceptions import BadInputError

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_MAX_BYTES = 2**30
SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")

_CHUNK = 2**20
# The csv module's own limit is one cell; a line has many, but not without end.
_MAX_LINE = 2**26
_SEPARATORS = ",;\t|"
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_DECIMAL_POINT = re.compile(r"[+-]?\d+\.\d+")


@dataclass(frozen=True)
class _Scan:
    """What one pass over a text table found out."""

    names: tuple[str, ...]
    separator: str
    decimal: str
    n_rows: int
    n_question_marks: int


def human_bytes(n: float) -> str:
    """Write a number of bytes as people read it.

    Examples
    --------
    >>> from skoverfit.bench._readers import human_bytes
    >>> human_bytes(2**30), human_bytes(1536), human_bytes(12)
    ('1.0 GiB', '1.5 KiB', '12 bytes')
    """
    if n < 1024:
        return f"{int(n)} bytes"
    for unit in ("KiB", "MiB", "GiB"):
        n /= 1024
        if n < 1024:
            return f"{n:.1f} {unit}"
    return f"{n / 1024:.1f} TiB"


def read_frame(
    path: Path, *, max_bytes: int = DEFAULT_MAX_BYTES, text: Iterable[str] = ()
) -> tuple[pd.DataFrame, list[str]]:
    """Read a table file into a frame whose column names are unique.

    Parameters
    ----------
    path : Path
        A csv, csv.gz, tsv, tsv.gz or parquet file.
    max_bytes : int, default=2**30
        Largest uncompressed size in bytes; a bigger file is refused unread.
    text : iterable of str, default=()
        Columns of a text file that are text, also where they hold digits.

    Returns
    -------
    tuple of (pandas.DataFrame, list of str)
        The frame, and remarks on how it was read.
    """
    suffix = _checked_suffix(path)
    try:
        if suffix == ".parquet":
            return _read_parquet(path, max_bytes), []
        return _read_text(path, max_bytes, text)
    except (gzip.BadGzipFile, EOFError, zlib.error) as exc:
        raise BadInputError(
            f"{path} is named as a gzip file, but it can't be unpacked ({exc}); "
            "download or compress it again."
        ) from exc
    except OSError as exc:
        raise BadInputError(f"{path} can't be read: {exc.strerror or exc}.") from exc


def _checked_suffix(path: Path) -> str:
    if path.is_dir():
        raise BadInputError(
            f"{path} is a folder; give the path of one table file ({_known()})."
        )
    if not path.exists():
        raise BadInputError(
            f"{path} does not exist; check the path, which is taken relative to "
            f"{Path.cwd()}."
        )
    name = path.name.lower()
    for suffix in SUFFIXES:
        if name.endswith(suffix):
            return suffix
    raise BadInputError(
        f"{path} has the suffix {path.suffix!r}; the formats that can be read are "
        f"{_known()}."
    )


def _known() -> str:
    return ", ".join(SUFFIXES[:-1]) + " and " + SUFFIXES[-1]


def _too_big(path: Path, size: str, max_bytes: int) -> BadInputError:
    return BadInputError(
        f"{path} holds {size} of data, over the limit of {human_bytes(max_bytes)} "
        f"({max_bytes} bytes); take a sample of its rows, or raise the limit with "
        "--max-bytes (max_bytes in Python) where memory allows."
    )


# Parquet ---------------------------------------------------------------------------


def _read_parquet(path: Path, max_bytes: int) -> pd.DataFrame:
    import pyarrow
    import pyarrow.parquet as parquet

    try:
        with parquet.ParquetFile(path) as file:
            meta = file.metadata
            groups = [meta.row_group(i) for i in range(meta.num_row_groups)]
            # A run-length encoded column takes no space in the file: count a byte a
            # cell at least.
            size = max(
                sum(group.total_byte_size for group in groups),
                meta.num_rows * meta.num_columns,
            )
            if size > max_bytes:
                raise _too_big(path, human_bytes(size), max_bytes)
            names = file.schema_arrow.names
            _refuse_duplicates(names, str(path))
            frame = file.read().to_pandas()
    except (pyarrow.ArrowException, OSError) as exc:
        if isinstance(exc, OSError) and exc.errno is not None:
            raise
        reason = str(exc).strip().splitlines()[0].rstrip(".")
        raise BadInputError(f"{path} is not a readable parquet file: {reason}.") from (
            exc
        )
    named = [level for level in frame.index.names if level is not None]
    if named:
        frame = frame.reset_index(level=named)
    return frame.reset_index(drop=True)


# Text ------------------------------------------------------------------------------


def _read_text(
    path: Path, max_bytes: int, text: Iterable[str]
) -> tuple[pd.DataFrame, list[str]]:
    zipped = path.name.lower().endswith(".gz")
    size = path.stat().st_size
    if size == 0:
        raise BadInputError(
            f"{path} is empty; its first line has to hold column names."
        )
    if zipped:
        _refuse_big_gzip(path, max_bytes)
    elif size > max_bytes:
        raise _too_big(path, human_bytes(size), max_bytes)
    with _open(path) as stream:
        scan = _scan(path, stream)
    with _open(path) as stream:
        frame = _parse(path, stream, scan, text)
    notes = []
    if scan.n_question_marks:
        noun = "cell" if scan.n_question_marks == 1 else "cells"
        notes.append(
            f'{scan.n_question_marks} {noun} held "?" and were read as missing.'
        )
    if scan.decimal == ",":
        notes.append("Numbers were read with a decimal comma.")
    return frame, notes


def _refuse_big_gzip(path: Path, max_bytes: int) -> None:
    """Count what unpacks, piece by piece: the size a gzip file states may be false."""
    n_read = 0
    with _open(path) as stream:
        while chunk := stream.read(_CHUNK):
            n_read += len(chunk)
            if n_read > max_bytes:
                size = f"more than {human_bytes(max_bytes)}"
                raise _too_big(path, size, max_bytes)


def _parse(
    path: Path, stream: IO[bytes], scan: _Scan, text: Iterable[str]
) -> pd.DataFrame:
    import pandas as pd

    try:
        frame = pd.read_csv(
            stream,
            sep=scan.separator,
            decimal=scan.decimal,
            header=0,
            names=list(scan.names),
            index_col=False,
            skipinitialspace=True,
            na_values=["?"],
            dtype=dict.fromkeys(text, str),
            encoding="utf-8-sig",
            low_memory=False,
        )
    except pd.errors.ParserError as exc:
        raise BadInputError(f"{path} is not a readable table: {exc}.") from exc
    if len(frame) != scan.n_rows:
        raise BadInputError(
            f"{path} can be read as {len(frame)} or as {scan.n_rows} rows; check its "
            "quotation marks and line ends."
        )
    return frame


def _open(path: Path) -> IO[bytes]:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return path.open("rb")


def _scan(path: Path, stream: IO[bytes]) -> _Scan:
    """Check encoding, size and row lengths in one pass that holds one line at a time.

    pandas would fill a short row with missing values and rename repeated columns.
    """
    lines = _lines(path, stream)
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise BadInputError(
            f"{path} holds blank lines only; its first line has to hold column names."
        )
    separator = _separator(first, path)
    reader = csv.reader(
        _chain(first, lines), delimiter=separator, skipinitialspace=True
    )
    try:
        return _scan_rows(path, reader, separator)
    except csv.Error as exc:
        if "new-line character" in str(exc):
            raise BadInputError(
                f"{path} ends lines by a carriage return alone (near line "
                f"{reader.line_num}); save it again with usual line ends."
            ) from exc
        raise BadInputError(
            f"{path} is not a readable table: {exc} near line {reader.line_num}."
        ) from exc


def _scan_rows(path: Path, reader: Any, separator: str) -> _Scan:
    header = next(reader)
    names = tuple(name.strip() or f"Unnamed: {i}" for i, name in enumerate(header))
    _refuse_duplicates(names, f"The first line of {path}")
    width, n_rows, n_marks = len(names), 0, 0
    commas = points = False
    for row in reader:
        if len(row) != width:
            if not any(cell.strip() for cell in row) and len(row) <= 1:
                continue
            raise _wrong_length(path, reader.line_num, row, width, separator)
        n_rows += 1
        n_marks += row.count("?")
        if separator == ";" and n_rows <= 1000:
            commas = commas or any(map(_DECIMAL_COMMA.fullmatch, row))
            points = points or any(map(_DECIMAL_POINT.fullmatch, row))
    return _Scan(
        names=names,
        separator=separator,
        decimal="," if commas and not points else ".",
        n_rows=n_rows,
        n_question_marks=n_marks,
    )


def _wrong_length(
    path: Path, line: int, row: list[str], expected: int, separator: str
) -> BadInputError:
    mark = "a tab" if separator == "\t" else repr(separator)
    hint = "mend that line"
    if len(row) == expected + 1 and not row[-1].strip():
        hint = "remove the separator at the end of the lines"
    elif len(row) == expected + 1:
        hint += ", or, if every row is one longer, give the first column a name too"
    return BadInputError(
        f"{path} has {len(row)} {'field' if len(row) == 1 else 'fields'} in line "
        f"{line}, but its header names {expected} "
        f"{'column' if expected == 1 else 'columns'} (separator {mark}); {hint}."
    )


def _separator(header: str, path: Path) -> str:
    if ".tsv" in path.name.lower()[-7:]:
        return "\t"
    outside = re.sub(r'"[^"]*"', "", header)
    return max(_SEPARATORS, key=outside.count)


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _lines(path: Path, stream: IO[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    pieces: list[str] = []  # of the line that no line end was met of yet
    n_read = n_pending = 0
    while chunk := stream.read(_CHUNK):
        if b"\0" in chunk and not chunk.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise BadInputError(
                f"{path} holds NUL bytes (the first at byte "
                f"{n_read + chunk.index(0)}), so it is not a text table."
            )
        text = _decode(path, decoder, chunk, n_read)
        n_read += len(chunk)
        whole, end, rest = text.rpartition("\n")
        if end:
            for line in ("".join(pieces) + whole).split("\n"):
                yield line + "\n"
            pieces, n_pending = [], 0
        pieces.append(rest)
        n_pending += len(rest)
        if n_pending > _MAX_LINE:
            raise BadInputError(
                f"{path} has a line of more than {human_bytes(_MAX_LINE)}, so it is "
                "not a text table."
            )
    pieces.append(_decode(path, decoder, b"", n_read, final=True))
    if last := "".join(pieces):
        yield last


def _decode(
    path: Path,
    decoder: codecs.IncrementalDecoder,
    chunk: bytes,
    offset: int,
    final: bool = False,
) -> str:
    # The decoder keeps the first bytes of a character that the last chunk cut.
    kept = len(decoder.getstate()[0])
    try:
        return decoder.decode(chunk, final)
    except UnicodeDecodeError as exc:
        place = offset - kept + exc.start
        met = exc.object[exc.start]
        raise BadInputError(
            f"{path} is not UTF-8 text: byte {place} is 0x{met:02x}; save it again "
            "with the encoding UTF-8."
        ) from exc


def _refuse_duplicates(names: Any, where: str) -> None:
    seen: set[str] = set()
    for name in map(str, names):
        if name in seen:
            raise BadInputError(
                f"{where} names more than one column {name!r}; column names have to "
                "differ."
            )
        seen.add(name)
