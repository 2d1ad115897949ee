# SPDX-License-Identifier: BSD-3-Clause
"""The result store: one durable row a finished cell, in one SQLite file.

A row is written once, keyed by what determines it, in a transaction of its own: a
process that is killed at any moment loses the cells in flight and nothing else. Values
are plain JSON; nothing in the file is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from skoverfit.exceptions import StoreError

__all__ = ["SCHEMA_VERSION", "ResultStore", "content_key"]

SCHEMA_VERSION = 1
# "skov" as a big-endian integer: tells our files from any other SQLite file.
_APPLICATION_ID = 0x736B6F76
_BUSY_SECONDS = 60.0

_SCHEMA = """
CREATE TABLE cells (
    key TEXT PRIMARY KEY,
    status TEXT NOT NULL,
    spec TEXT NOT NULL,
    value TEXT NOT NULL,
    created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) WITHOUT ROWID;
CREATE TABLE runs (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    used TEXT NOT NULL
) WITHOUT ROWID;
"""


def content_key(spec: Mapping[str, Any]) -> str:
    """Return the sha256 of the canonical JSON of what determines a row.

    Examples
    --------
    >>> content_key({"a": 1, "b": [2]}) == content_key({"b": [2], "a": 1})
    True
    """
    return hashlib.sha256(_dump(spec, sort_keys=True).encode()).hexdigest()


def _dump(value: Any, *, sort_keys: bool = False) -> str:
    # Unsorted in the file: a report prints what it reads in the order it was written.
    return json.dumps(
        value, sort_keys=sort_keys, separators=(",", ":"), allow_nan=False
    )


class ResultStore:
    """Cells and runs in one SQLite file.

    Parameters
    ----------
    path : str or Path
        The file; it and its folder are made when absent.
    create : bool, default=True
        Whether a file may be made; if False an absent one is refused.

    Raises
    ------
    StoreError
        If the file can't be opened, is no store, or is one of another version. The
        file is left as it was.
    """

    def __init__(self, path: str | Path, *, create: bool = True) -> None:
        self.path = Path(path)
        if not create and not self.path.is_file():
            raise StoreError(f"There is no result store at {str(self.path)!r}.")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise StoreError(
                f"The folder of the result store {str(self.path)!r} can't be made: "
                f"{exc.strerror or exc}."
            ) from exc
        with self._explained():
            self._connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS)
        try:
            with self._explained():
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        connection = self._connection
        # FULL: a committed row survives a power cut, not only a killed process.
        connection.execute("PRAGMA synchronous = FULL")
        connection.isolation_level = None
        # The lock is taken before looking, so that two first runs can't both create.
        connection.execute("BEGIN IMMEDIATE")
        try:
            (found,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (tables,) = connection.execute(
                "SELECT count(*) FROM sqlite_master"
            ).fetchone()
            if tables == 0 and found == 0:
                for statement in _SCHEMA.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            elif found != _APPLICATION_ID:
                raise StoreError(
                    f"{str(self.path)!r} is an SQLite file of another program, not a "
                    "skoverfit result store; give another path."
                )
            elif version != SCHEMA_VERSION:
                raise StoreError(
                    f"The result store {str(self.path)!r} has version {version}, this "
                    f"skoverfit reads version {SCHEMA_VERSION}; use the skoverfit "
                    "that wrote it, or give another path for a new store."
                )
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn SQLite's short messages into a sentence that says what to do."""
        try:
            yield
        except sqlite3.Error as exc:
            text = str(exc)
            name = repr(str(self.path))
            if "full" in text:
                advice = (
                    f"The disk is full: {name} could not take a further row. All rows "
                    "written before are safe; make room and repeat the command."
                )
            elif "readonly" in text or "unable to open" in text:
                advice = f"The result store {name} can't be written: {text}."
            elif "locked" in text:
                advice = (
                    f"The result store {name} has been locked by another process for "
                    f"{_BUSY_SECONDS:.0f} s."
                )
            elif "not a database" in text or "malformed" in text:
                advice = f"{name} is not a readable result store: {text}."
            else:
                advice = f"The result store {name} failed: {text}."
            raise StoreError(advice) from exc

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def put(
        self, key: str, status: str, spec: Mapping[str, Any], value: Mapping[str, Any]
    ) -> bool:
        """Write one cell and commit; return False if the key had a row already."""
        with self._explained():
            cursor = self._connection.execute(
                "INSERT OR IGNORE INTO cells (key, status, spec, value) "
                "VALUES (?, ?, ?, ?)",
                (key, status, _dump(spec), _dump(value)),
            )
        return cursor.rowcount == 1

    def keys(self, keys: Iterable[str], *, status: str | None = None) -> set[str]:
        """Return those of the keys that have a row (of this status)."""
        found = set()
        query = "SELECT status FROM cells WHERE key = ?"
        with self._explained():
            for key in keys:
                row = self._connection.execute(query, (key,)).fetchone()
                if row is not None and status in (None, row[0]):
                    found.add(key)
        return found

    def get(self, keys: Iterable[str]) -> Iterator[dict[str, Any]]:
        """Yield the rows of these keys: key, status, spec, value, created."""
        query = "SELECT key, status, spec, value, created FROM cells WHERE key = ?"
        with self._explained():
            for wanted in keys:
                row = self._connection.execute(query, (wanted,)).fetchone()
                if row is not None:
                    key, status, spec, value, created = row
                    yield {
                        "key": key,
                        "status": status,
                        "spec": json.loads(spec),
                        "value": json.loads(value),
                        "created": created,
                    }

    def delete(self, keys: Iterable[str]) -> int:
        """Delete the rows of these keys in one transaction; return how many."""
        with self._explained(), self._transaction():
            return sum(
                self._connection.execute(
                    "DELETE FROM cells WHERE key = ?", (key,)
                ).rowcount
                for key in keys
            )

    def put_run(self, value: Mapping[str, Any]) -> str:
        """Remember the plan of a run; return its key."""
        key = content_key(value)
        # SQLite's own clock has milliseconds, within which several runs may be put.
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        with self._explained():
            self._connection.execute(
                "INSERT INTO runs (key, value, used) VALUES (?, ?, ?) "
                "ON CONFLICT (key) DO UPDATE SET used = excluded.used",
                (key, _dump(value), now),
            )
        return key

    def runs(self) -> list[dict[str, Any]]:
        """Return the plans of all runs, the one used last at the end."""
        with self._explained():
            rows = self._connection.execute(
                "SELECT value FROM runs ORDER BY used, key"
            ).fetchall()
        return [json.loads(value) for (value,) in rows]

    def __len__(self) -> int:
        """Return the number of cells."""
        with self._explained():
            (count,) = self._connection.execute("SELECT count(*) FROM cells").fetchone()
        return int(count)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def merge(self, other: str | Path) -> int:
        """Take over the rows of another store; all of them or, on an error, none.

        A row that both have is the same row and stays as it is here, except that a
        finished one replaces a failed one.

        Returns
        -------
        int
            The number of rows taken over.
        """
        with ResultStore(other, create=False) as source, self._explained():
            cells = source._connection.execute(
                "SELECT key, status, spec, value, created FROM cells"
            )
            runs = source._connection.execute("SELECT key, value, used FROM runs")
            with self._transaction():
                taken = 0
                for row in cells:
                    taken += self._connection.execute(
                        "INSERT INTO cells VALUES (?, ?, ?, ?, ?) "
                        "ON CONFLICT (key) DO UPDATE SET status = excluded.status, "
                        "value = excluded.value, created = excluded.created "
                        "WHERE cells.status = 'failed' AND excluded.status != 'failed'",
                        row,
                    ).rowcount
                for row in runs:
                    self._connection.execute(
                        "INSERT INTO runs VALUES (?, ?, ?) ON CONFLICT (key) "
                        "DO UPDATE SET used = max(used, excluded.used)",
                        row,
                    )
        return taken
