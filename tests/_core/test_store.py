"""The store keeps what was written, whatever happens, and explains what it refuses."""

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import textwrap

import pytest

from skoverfit._core._store import SCHEMA_VERSION, ResultStore, content_key
from skoverfit.exceptions import StoreError


def fill(path, keys, status="done"):
    with ResultStore(path) as store:
        for key in keys:
            store.put(key, status, {"key": key}, {"score": 1.5})


def test_rows_survive_reopening(tmp_path):
    path = tmp_path / "deep" / "store.sqlite"
    fill(path, ["a", "b"])
    with ResultStore(path) as store:
        assert store.keys(["a", "b", "c"]) == {"a", "b"}
        (row,) = store.get(["a"])
        assert row["value"] == {"score": 1.5}
        assert len(store) == 2


def test_a_row_is_written_once(tmp_path):
    with ResultStore(tmp_path / "s.sqlite") as store:
        assert store.put("a", "done", {}, {"v": 1})
        assert not store.put("a", "done", {}, {"v": 2})
        assert next(store.get(["a"]))["value"] == {"v": 1}


def test_not_a_number_is_refused_and_leaves_no_row(tmp_path):
    with ResultStore(tmp_path / "s.sqlite") as store:
        with pytest.raises(ValueError, match="JSON compliant"):
            store.put("a", "done", {}, {"v": float("nan")})
        assert len(store) == 0


def test_key_depends_on_values_not_on_order():
    assert content_key({"a": 1, "b": 2}) == content_key({"b": 2, "a": 1})
    assert content_key({"a": 1}) != content_key({"a": 2})


def test_merge_is_a_union_and_prefers_finished_rows(tmp_path):
    fill(tmp_path / "1.sqlite", ["a", "b"])
    fill(tmp_path / "1.sqlite", ["f"], status="failed")
    fill(tmp_path / "2.sqlite", ["b", "c", "f"])
    with ResultStore(tmp_path / "1.sqlite") as store:
        assert store.merge(tmp_path / "2.sqlite") == 2
        assert store.keys("abcf") == set("abcf")
        assert store.keys("f", status="done") == {"f"}
        assert store.merge(tmp_path / "2.sqlite") == 0


def test_merge_of_a_missing_store_is_refused(tmp_path):
    with (
        ResultStore(tmp_path / "1.sqlite") as store,
        pytest.raises(StoreError, match="There is no result store"),
    ):
        store.merge(tmp_path / "no.sqlite")


def test_runs_come_in_the_order_of_last_use(tmp_path):
    with ResultStore(tmp_path / "s.sqlite") as store:
        for name in ("x", "y", "x"):
            store.put_run({"name": name})
        assert [run["name"] for run in store.runs()] == ["y", "x"]


def test_store_of_another_version_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "s.sqlite"
    fill(path, ["a"])
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=f"has version {SCHEMA_VERSION + 1}"):
        ResultStore(path)
    assert path.read_bytes() == before


def test_foreign_files_are_refused_and_left_alone(tmp_path):
    foreign = tmp_path / "other.sqlite"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    text = tmp_path / "text.sqlite"
    text.write_text("precious " * 1000)
    for path, words in ((foreign, "another program"), (text, "not a readable")):
        before = path.read_bytes()
        with pytest.raises(StoreError, match=words):
            ResultStore(path)
        assert path.read_bytes() == before


def test_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="folder of the result store"):
        ResultStore(tmp_path / "file" / "s.sqlite")


def test_full_disk_loses_only_the_row_that_did_not_fit(tmp_path):
    path = tmp_path / "s.sqlite"
    with ResultStore(path) as store:
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages + 4}")
        written = []

        def fill_up():
            for number in range(1000):
                store.put(f"{number:04}", "done", {}, {"text": "x" * 500})
                written.append(number)

        with pytest.raises(StoreError, match="disk is full"):
            fill_up()
    assert 0 < len(written) < 1000
    with ResultStore(path) as store:
        assert len(store) == len(written)


def test_file_size_limit_of_the_system_is_explained(tmp_path):
    # The real thing instead of SQLite's own page limit: the kernel refuses to write.
    code = """
        import resource, signal, sys
        from skoverfit._core._store import ResultStore
        from skoverfit.exceptions import StoreError
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        store = ResultStore(sys.argv[1])
        store.put("first", "done", {}, {})
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
        try:
            for number in range(1000):
                store.put(f"{number:04}", "done", {}, {"text": "x" * 500})
        except StoreError as exc:
            print(exc)
    """
    path = tmp_path / "s.sqlite"
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "result store" in done.stdout or "disk is full" in done.stdout
    with ResultStore(path) as store:
        assert store.keys(["first"]) == {"first"}
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_kill_loses_no_committed_row(tmp_path):
    code = """
        import sys
        from skoverfit._core._store import ResultStore
        store = ResultStore(sys.argv[1])
        for number in range(10**6):
            store.put(str(number), "done", {}, {"number": number})
            print(number, flush=True)
    """
    path = tmp_path / "s.sqlite"
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    seen = [int(process.stdout.readline()) for _ in range(20)]
    os.kill(process.pid, signal.SIGKILL)
    rest = process.stdout.read().split("\n")
    process.wait()
    process.stdout.close()
    seen += [int(line) for line in rest[:-1]]
    with ResultStore(path) as store:
        rows = list(store.get(map(str, seen)))
        assert [row["value"]["number"] for row in rows] == seen


def test_values_are_plain_json(tmp_path):
    fill(tmp_path / "s.sqlite", ["a"])
    connection = sqlite3.connect(tmp_path / "s.sqlite")
    ((value,),) = connection.execute("SELECT value FROM cells").fetchall()
    connection.close()
    assert json.loads(value) == {"score": 1.5}
