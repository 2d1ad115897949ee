"""OpenML, played by a small server on loopback that answers as OpenML does."""

import gzip
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from sklearn.datasets import _openml as sklearn_openml

from skoverfit.bench._openml import load_openml
from skoverfit.exceptions import BadInputError


class StandIn:
    """Answers of the server, by path; `status` replaces them all."""

    def __init__(self):
        self.answers = {}
        self.requests = []
        self.status = None
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self.thread.start()

    def _handler(self):
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                stand_in.requests.append(self.path)
                body = stand_in.answers.get(self.path)
                # OpenML says 412 for everything it does not have.
                status = stand_in.status or (412 if body is None else 200)
                content = gzip.compress(body or b'{"error": {"code": "111"}}')
                self.send_response(status)
                self.send_header("Content-Encoding", "gzip")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args):
                pass

        return Handler

    def publish(self, data_id, columns, rows, *, md5=None, **description):
        """Offer a data set; columns are (name, type, other features)."""
        arff = "@RELATION t\n" + "".join(
            f"@ATTRIBUTE {name} {kind}\n" for name, kind, _ in columns
        )
        arff = (arff + "@DATA\n" + "\n".join(rows) + "\n").encode()
        features = [
            {
                "index": str(i),
                "name": name,
                "data_type": "nominal" if kind.startswith("{") else kind.lower(),
                "is_target": "false",
                "is_ignore": "false",
                "is_row_identifier": "false",
                "number_of_missing_values": "0",
                **flags,
            }
            for i, (name, kind, flags) in enumerate(columns)
        ]
        path = f"/data/v1/download/{data_id}/t.arff"
        about = {
            "id": str(data_id),
            "name": "toy",
            "version": "3",
            "description": "A toy.",
            "format": "ARFF",
            "status": "active",
            "url": self.url + path,
            "md5_checksum": md5 or hashlib.md5(arff).hexdigest(),
            **description,
        }
        quality = [{"name": "NumberOfInstances", "value": str(len(rows))}]
        api = "/api/v1/json/data"
        for place, answer in {
            f"{api}/{data_id}": {"data_set_description": about},
            f"{api}/features/{data_id}": {"data_features": {"feature": features}},
            f"{api}/qualities/{data_id}": {"data_qualities": {"quality": quality}},
        }.items():
            self.answers[place] = json.dumps(answer).encode()
        self.answers[path] = arff

    def go_away(self):
        if self.thread.is_alive():
            self.server.shutdown()
            self.thread.join()
            self.server.server_close()


@pytest.fixture
def openml(monkeypatch):
    stand_in = StandIn()
    for constant in ("_DATA_INFO", "_DATA_FEATURES", "_DATA_QUALITIES"):
        address = getattr(sklearn_openml, constant)
        assert address.startswith("https://www.openml.org/api/v1/json/data/")
        monkeypatch.setattr(
            sklearn_openml,
            constant,
            address.replace("https://www.openml.org", stand_in.url),
        )
    monkeypatch.setattr(sklearn_openml.time, "sleep", lambda seconds: None)
    yield stand_in
    stand_in.go_away()


TARGET = {"is_target": "true"}
COLUMNS = [
    ("row", "INTEGER", {"is_row_identifier": "true"}),
    ("size", "REAL", {}),
    ("colour", "{red,green,blue}", {}),
    ("code", "{7,8}", {}),
    ("outcome", "{good,bad}", TARGET),
]
ROWS = [
    f"{i},{i * 0.5 if i % 4 else '?'},{('red', 'green')[i % 2]},{7 + i % 2},"
    f"{'bad' if i % 5 == 0 else 'good'}"
    for i in range(20)
]


def test_target_and_categories_come_from_the_description(openml, tmp_path):
    openml.publish(61, COLUMNS, ROWS)
    table = load_openml(61, data_home=tmp_path)
    assert table.name == "toy"
    assert table.source == "OpenML data set 61 (toy, version 3)"
    assert list(table.X.columns) == ["size", "colour", "code"]
    assert table.class_names == ("good", "bad")
    np.testing.assert_array_equal(np.flatnonzero(table.y), [0, 5, 10, 15])
    assert table.X["colour"].dtype == "category"
    # A nominal column stays one although its values are digits.
    assert list(table.X["code"].cat.categories) == ["7", "8"]
    assert table.X["size"].isna().sum() == 5


def test_cache_serves_when_the_server_has_gone(openml, tmp_path):
    openml.publish(61, COLUMNS, ROWS)
    first = load_openml(61, data_home=tmp_path)
    n_requests = len(openml.requests)
    assert n_requests > 0
    openml.go_away()
    again = load_openml(61, data_home=tmp_path)
    assert len(openml.requests) == n_requests
    assert again.content_hash == first.content_hash


def test_another_target_can_be_named(openml, tmp_path):
    openml.publish(61, COLUMNS, ROWS)
    table = load_openml(
        61, target="colour", drop=["outcome"], positive="red", data_home=tmp_path
    )
    assert table.class_names == ("green", "red")
    assert list(table.X.columns) == ["size", "code"]
    with pytest.raises(BadInputError, match=r"target='color' .* mean 'colour'"):
        load_openml(61, target="color", data_home=tmp_path)


def test_server_away(openml, tmp_path):
    openml.go_away()
    with pytest.raises(
        BadInputError, match=rf"can't be reached .*{re.escape(str(tmp_path))}"
    ):
        load_openml(61, data_home=tmp_path)


@pytest.mark.parametrize("status", [500, 503, 404])
def test_server_in_trouble(openml, tmp_path, status):
    openml.publish(61, COLUMNS, ROWS)
    openml.status = status
    with pytest.raises(BadInputError, match=f"data set 61 .* HTTP {status}"):
        load_openml(61, data_home=tmp_path)
    openml.status = None
    assert len(load_openml(61, data_home=tmp_path).y) == 20


def test_silent_server_is_given_up(openml, tmp_path, monkeypatch):
    release = threading.Event()

    def wait(handler):
        release.wait(10)

    monkeypatch.setattr(openml.server.RequestHandlerClass, "do_GET", wait)
    try:
        with pytest.raises(BadInputError, match=r"can't be reached \(.*timed out"):
            load_openml(61, data_home=tmp_path, timeout=0.05)
    finally:
        release.set()


def test_unknown_number(openml, tmp_path):
    with pytest.raises(BadInputError, match=r"OpenML data set 99 does not exist"):
        load_openml(99, data_home=tmp_path)


@pytest.mark.parametrize("data_id", ["iris", 0, -3, 1.5, True, None])
def test_number_has_to_be_a_positive_integer(data_id):
    with pytest.raises(BadInputError, match=r"data_id must be a positive integer"):
        load_openml(data_id)


def test_no_default_target(openml, tmp_path):
    openml.publish(5, COLUMNS[:4], [row.rpartition(",")[0] for row in ROWS])
    with pytest.raises(BadInputError, match=r"no default target; .*--target.*'size'"):
        load_openml(5, data_home=tmp_path)


def test_several_targets(openml, tmp_path):
    columns = [(n, k, TARGET if n == "colour" else f) for n, k, f in COLUMNS]
    openml.publish(6, columns, ROWS)
    with pytest.raises(BadInputError, match=r"2 targets \('colour', 'outcome'\)"):
        load_openml(6, data_home=tmp_path)


def test_damaged_file(openml, tmp_path):
    openml.publish(7, COLUMNS, ROWS, md5="0" * 32)
    with pytest.raises(BadInputError, match=r"arrived damaged.*md5"):
        load_openml(7, data_home=tmp_path)


def test_answer_that_is_no_json(openml, tmp_path):
    openml.publish(8, COLUMNS, ROWS)
    openml.answers["/api/v1/json/data/8"] = b"<html>maintenance</html>"
    with pytest.raises(BadInputError, match=r"answer is not JSON"):
        load_openml(8, data_home=tmp_path)


def test_sparse_data_set(openml, tmp_path):
    openml.publish(9, COLUMNS, ROWS, format="Sparse_ARFF")
    with pytest.raises(BadInputError, match=r"stored sparse"):
        load_openml(9, data_home=tmp_path)


def test_row_without_target(openml, tmp_path):
    columns = [
        *COLUMNS[:4],
        (*COLUMNS[4][:2], {**TARGET, "number_of_missing_values": "1"}),
    ]
    openml.publish(10, columns, [*ROWS[:-1], ROWS[-1].rpartition(",")[0] + ",?"])
    with pytest.raises(BadInputError, match=r"1 rows without .* target 'outcome'"):
        load_openml(10, data_home=tmp_path)


def test_regression_target(openml, tmp_path):
    columns = [("a", "REAL", {}), ("price", "REAL", TARGET)]
    openml.publish(11, columns, [f"{i},{i * 1.5}" for i in range(40)])
    table = load_openml(11, data_home=tmp_path)
    assert (table.task, table.class_names) == ("regression", ())
    with pytest.raises(BadInputError, match="one row only in the classes"):
        load_openml(11, data_home=tmp_path, task="classification")


def test_inactive_version_becomes_a_note(openml, tmp_path):
    openml.publish(12, COLUMNS, ROWS, status="deactivated")
    table = load_openml(12, data_home=tmp_path)
    assert any("inactive" in note for note in table.notes)


def test_value_that_the_file_does_not_declare(openml, tmp_path):
    openml.publish(13, COLUMNS, [*ROWS, "20,1.0,purple,7,good"])
    with pytest.raises(BadInputError, match=r"data set 13 can't be read: .*purple"):
        load_openml(13, data_home=tmp_path)


def test_cache_folder_that_can_not_be_written(openml, tmp_path):
    (tmp_path / "file").write_text("")
    openml.publish(14, COLUMNS, ROWS)
    with pytest.raises(BadInputError, match=r"could not be kept in the cache"):
        load_openml(14, data_home=tmp_path / "file" / "below")
