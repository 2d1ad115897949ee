"""Tables from files and frames: what is read, and what is refused in which words."""

import datetime
import gzip
import subprocess
import sys
import uuid

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from skoverfit.bench._tables import load_table, table_from_frame
from skoverfit.exceptions import BadInputError


def small(n=40, **columns):
    """Return a clean frame of n rows with a binary target; columns replace or add."""
    base = {
        "age": np.arange(n) % 7 + 0.5,
        "town": [("Ulm", "Bonn", "Kiel")[i % 3] for i in range(n)],
        "paid": ["yes" if i % 4 == 0 else "no" for i in range(n)],
    }
    return pd.DataFrame(base | columns)


def write(folder, text, name="table.csv"):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def lines(*extra, n=20):
    rows = [f"{i % 7},{'yes' if i % 4 == 0 else 'no'}" for i in range(n)]
    return "\n".join(["age,paid", *rows, *extra]) + "\n"


# Formats ----------------------------------------------------------------------------


def test_every_format_gives_the_same_table(tmp_path):
    rng = np.random.default_rng(0)
    frame = small(score=rng.normal(size=40) * 10.0 ** rng.integers(-12, 12, 40))
    frame.loc[3, "town"] = None
    frame.loc[5, "age"] = np.nan
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_csv(tmp_path / "t.csv.gz", index=False)
    frame.to_csv(tmp_path / "t.tsv", index=False, sep="\t")
    frame.to_csv(tmp_path / "semicolon.csv", index=False, sep=";")
    frame.to_csv(tmp_path / "bom.csv", index=False, encoding="utf-8-sig")
    frame.to_csv(tmp_path / "crlf.CSV", index=False, lineterminator="\r\n")
    frame.to_parquet(tmp_path / "t.parquet")
    expected = table_from_frame(frame, target="paid")
    for path in sorted(tmp_path.iterdir()):
        table = load_table(path, target="paid")
        pd.testing.assert_frame_equal(table.X, expected.X)
        np.testing.assert_array_equal(table.y, expected.y)
        assert table.content_hash == expected.content_hash, path
        assert table.name == path.name.split(".")[0]
        assert table.source == str(path)


def test_question_marks_are_missing_and_counted(tmp_path):
    text = "age,work,paid\n" + "".join(
        f"{i}, {'?' if i in (3, 4) else 'job'}, {'yes' if i % 2 else 'no'}\n"
        for i in range(12)
    )
    table = load_table(write(tmp_path, text), target="paid")
    assert table.class_names == ("no", "yes")
    np.testing.assert_array_equal(np.flatnonzero(table.X["work"].isna()), [3, 4])
    assert any(note.startswith('2 cells held "?"') for note in table.notes)


def test_blank_lines_and_quoted_line_ends(tmp_path):
    text = '\nage,"the\nnote",paid\n' + "".join(
        f'{i},"a\nb, c",{i % 2}\n\n' for i in range(12)
    )
    table = load_table(write(tmp_path, text), target="paid")
    assert table.X.shape == (12, 2)
    assert set(table.X["the\nnote"]) == {"a\nb, c"}


def test_decimal_comma(tmp_path):
    text = "size;paid\n" + "".join(f"{i},5;{i % 2}\n" for i in range(12))
    table = load_table(write(tmp_path, text), target="paid")
    np.testing.assert_array_equal(table.X["size"], np.arange(12) + 0.5)
    assert "Numbers were read with a decimal comma." in table.notes


def test_parquet_index_is_no_feature_unless_it_is_named(tmp_path):
    frame = small().set_index(pd.Index([f"r{i}" for i in range(40)]))
    frame.to_parquet(tmp_path / "a.parquet")
    assert list(load_table(tmp_path / "a.parquet", target="paid").X) == ["age", "town"]
    frame.rename_axis("key").to_parquet(tmp_path / "b.parquet")
    table = load_table(tmp_path / "b.parquet", target="paid")
    assert set(table.X) == {"key", "age", "town"}


def test_polars_frame_and_input_untouched():
    polars = pytest.importorskip("polars")
    frame = small()
    before = frame.copy()
    table = table_from_frame(frame, target="paid")
    pd.testing.assert_frame_equal(frame, before)
    other = table_from_frame(polars.from_pandas(frame), target="paid")
    assert other.content_hash == table.content_hash


# Files that can't be read -----------------------------------------------------------


def refused(path, match, **options):
    with pytest.raises(BadInputError, match=match) as caught:
        load_table(path, **{"target": "paid", **options})
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path):
    refused(tmp_path / "no.csv", r"no\.csv does not exist")


def test_folder(tmp_path):
    refused(tmp_path, r"is a folder; give the path of one table file \(\.csv")


@pytest.mark.parametrize("name", ["t.xlsx", "t.txt", "t", "t.csv.zip", "t.parquet.gz"])
def test_unknown_suffix(tmp_path, name):
    refused(write(tmp_path, "x", name), r"has the suffix '.*'; .*\.csv\.gz.*\.parquet")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", r"is empty"),
        ("\n \n", r"holds blank lines only"),
        ("age,paid\n", r"has 0 rows; at least 10"),
        (lines(n=9), r"has 9 rows; at least 10"),
        (lines("1"), r"1 field in line 22, but its header names 2 columns"),
        (lines("1,no,3"), r"3 fields in line 22.*every row is one longer"),
        (lines('1,"no'), r"table\.csv"),
        (lines().replace("\n", ",\n").replace("paid,", "paid"), r"at the end of the"),
        (lines().replace("\n", "\r"), r"a carriage return alone \(near line 1\)"),
        ("age,paid,age\n", r"first line of .* names more than one column 'age'"),
        (lines() + "1,\0\n", r"NUL bytes \(the first at byte"),
        ("age,paid\n1," + "x" * 200_000 + "\n", r"field larger than field limit"),
    ],
)
def test_broken_text(tmp_path, text, match):
    refused(write(tmp_path, text), match)


@pytest.mark.parametrize("padding", [0, 2**20 - 60, 2**20 - 59, 3 * 2**20])
def test_unreadable_encoding_names_the_byte(tmp_path, padding):
    head = b"age,paid\n" + b"1,no\n" * ((padding + 4) // 5)
    path = write(tmp_path, head + "2,prêt\n".encode("latin-1"))
    refused(path, rf"not UTF-8 text: byte {len(head) + 4} is 0xea; save it again")


def test_character_cut_at_the_end(tmp_path):
    text = (lines() + "1,é").encode()
    refused(write(tmp_path, text[:-1]), rf"byte {len(text) - 2} is 0xc3")


def test_utf16(tmp_path):
    refused(
        write(tmp_path, lines().encode("utf-16")), r"not UTF-8 text: byte 0 is 0xff"
    )


def test_broken_gzip(tmp_path):
    refused(write(tmp_path, lines(), "t.csv.gz"), r"named as a gzip file")
    whole = gzip.compress(lines(n=2000).encode())
    refused(write(tmp_path, whole[:-20], "u.csv.gz"), r"named as a gzip file")
    middle = whole[:30] + b"\xff" * 20 + whole[50:]
    refused(write(tmp_path, middle, "v.csv.gz"), r"named as a gzip file")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"x" * 50 + b"PAR1"])
def test_broken_parquet(tmp_path, content):
    refused(write(tmp_path, content, "t.parquet"), r"not a readable parquet file: ")


def test_parquet_with_a_repeated_name(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    column = pyarrow.array([1, 2] * 10)
    table = pyarrow.Table.from_arrays([column] * 3, names=["age", "age", "paid"])
    parquet.write_table(table, tmp_path / "t.parquet")
    refused(tmp_path / "t.parquet", r"names more than one column 'age'")


def test_damaged_parquet_page(tmp_path):
    path = tmp_path / "t.parquet"
    small(4000).to_parquet(path)
    content = bytearray(path.read_bytes())
    content[10:400] = b"\xff" * 390
    path.write_bytes(bytes(content))
    refused(path, r"not a readable parquet file: ")


# Size -------------------------------------------------------------------------------


def test_big_text_is_refused_unread(tmp_path):
    path = tmp_path / "big.csv"
    with path.open("wb") as file:
        file.truncate(2 * 2**30)  # sparse: takes no space
    refused(path, r"holds 2\.0 GiB of data, over the limit of 1\.0 GiB .*--max-bytes")


def test_limit_can_be_moved(tmp_path):
    path = write(tmp_path, lines())
    size = path.stat().st_size
    refused(path, r"over the limit", max_bytes=size - 1)
    assert len(load_table(path, target="paid", max_bytes=size).y) == 20
    zipped = write(tmp_path, gzip.compress(lines().encode()), "t.csv.gz")
    refused(zipped, r"more than .* over the limit", max_bytes=size - 1)
    assert len(load_table(zipped, target="paid", max_bytes=size).y) == 20


def test_line_without_end(tmp_path):
    path = tmp_path / "t.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(66):
            file.write(b"x" * 2**20)
    refused(path, r"a line of more than 64\.0 MiB, so it is not a text table")


@pytest.mark.parametrize("max_bytes", [0, -1, 1.5, "1G"])
def test_limit_has_to_be_a_positive_integer(tmp_path, max_bytes):
    refused(write(tmp_path, lines()), r"max_bytes must be", max_bytes=max_bytes)


@pytest.mark.parametrize("unit", [b"\n", b"x", b"1,no\n"])
def test_gzip_bomb_needs_little_memory(tmp_path, unit):
    """80 MiB in a few KiB: refused without ever being held."""
    block = unit * (2**20 // len(unit))
    path = tmp_path / "bomb.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b"age,paid\n")
        for _ in range(80):
            file.write(block)
    code = (
        "import resource, sys\n"
        "import pandas, pyarrow\n"
        "from skoverfit.bench._readers import read_frame\n"
        "from skoverfit.exceptions import BadInputError\n"
        "from pathlib import Path\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n"
        "    read_frame(Path(sys.argv[1]), max_bytes=70 * 2**20)\n"
        "except BadInputError as exc:\n"
        "    print(exc)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    sentence, grown = done.stdout.strip().splitlines()
    assert "over the limit of 70.0 MiB" in sentence
    assert int(grown) < 20_000  # ru_maxrss counts KiB on Linux


def test_parquet_bomb_is_refused_by_its_metadata(tmp_path):
    frame = pd.DataFrame({"a": np.zeros(3_000_000), "paid": 1})
    path = tmp_path / "bomb.parquet"
    frame.to_parquet(path)
    assert path.stat().st_size < 100_000
    refused(path, r"over the limit of 1\.0 MiB", max_bytes=2**20)


# Columns and roles ------------------------------------------------------------------


def test_unknown_columns_get_near_names():
    with pytest.raises(
        BadInputError, match=r"target='payed' is not a column.* mean 'paid'\?.*'age'"
    ):
        table_from_frame(small(), target="payed")
    for role in ("groups", "time"):
        with pytest.raises(BadInputError, match=rf"{role}='twon' .* mean 'town'"):
            table_from_frame(small(), target="paid", **{role: "twon"})
    with pytest.raises(BadInputError, match=r"drop='aeg' .* mean 'age'"):
        table_from_frame(small(), target="paid", drop=["aeg"])


def test_one_column_has_one_role():
    with pytest.raises(BadInputError, match=r"'paid' can't be both target and groups"):
        table_from_frame(small(), target="paid", groups="paid")
    with pytest.raises(BadInputError, match=r"'town' can't be both groups and drop"):
        table_from_frame(small(), target="paid", groups="town", drop=["town"])


def test_no_feature_left():
    with pytest.raises(BadInputError, match=r"No feature column is left"):
        table_from_frame(small(), target="paid", drop=["age", "town"])


def test_names_that_are_no_text():
    frame = pd.DataFrame(np.arange(60).reshape(20, 3) % 5).assign(y=[0, 1] * 10)
    table = table_from_frame(frame, target="y", drop=[1])
    assert list(table.X.columns) == ["0", "2"]
    with pytest.raises(BadInputError, match=r"more than one column named '1'"):
        table_from_frame(frame.rename(columns={0: "1"}), target="y")


@pytest.mark.parametrize("frame", [np.zeros((20, 2)), [[1, 2]], None])
def test_frame_has_to_be_a_frame(frame):
    with pytest.raises(BadInputError, match=r"pandas or polars DataFrame, got"):
        table_from_frame(frame, target="y")


def test_column_levels():
    frame = small()
    frame.columns = pd.MultiIndex.from_product([["a"], frame.columns])
    with pytest.raises(BadInputError, match=r"2 levels of column names"):
        table_from_frame(frame, target="paid")


def test_groups_are_coded_and_removed():
    frame = small(household=[f"h{i // 3}" for i in range(40)])
    table = table_from_frame(frame, target="paid", groups="household")
    assert list(table.X) == ["age", "town"]
    assert table.groups.dtype == np.int64
    np.testing.assert_array_equal(table.groups, np.arange(40) // 3)
    frame.loc[7, "household"] = None
    with pytest.raises(BadInputError, match=r"'household' is missing in 1 of 40"):
        table_from_frame(frame, target="paid", groups="household")
    with pytest.raises(BadInputError, match=r"'one' holds a single group"):
        table_from_frame(small(one="a"), target="paid", groups="one")


DAYS = pd.Series(pd.date_range("2020-12-20", periods=40, freq="3D"))


@pytest.mark.parametrize(
    "column",
    [
        np.arange(40),
        np.arange(40) / 3,
        DAYS,
        DAYS.dt.tz_localize("Europe/Berlin"),
        DAYS.dt.date,
        DAYS.dt.strftime("%Y-%m-%d"),
        DAYS.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        DAYS.dt.strftime("%d.%m.%Y"),
        DAYS.dt.strftime("%d/%m/%Y"),
        DAYS.dt.strftime("%m/%d/%Y"),
        DAYS.dt.strftime("%Y-%m-%d").astype("category"),
        pd.Series(range(40)).map("{:05d}".format),
        1_600_000_000_000_000_000 + np.arange(40),
        np.linspace(-(2.0**63), 2.0**63 - 1024, 40).astype(np.int64),
        np.uint64(2**63) + np.arange(40, dtype=np.uint64),
        -1e308 + np.arange(40) * 2e306,
    ],
)
def test_time_orders_as_the_column_does(column):
    frame = small().assign(when=column)
    shuffled = frame.sample(frac=1, random_state=0)
    table = table_from_frame(shuffled, target="paid", time="when")
    assert "when" not in table.X
    assert table.time.dtype == np.float64
    np.testing.assert_array_equal(np.argsort(table.time), np.argsort(shuffled.index))
    assert len(np.unique(table.time)) == 40
    assert any("'when' orders the rows" in note for note in table.notes)


@pytest.mark.parametrize(
    ("column", "match"),
    [
        (["2020-01-01"] * 30 + ["soon"] + ["2020-01-02"] * 9, r"'soon' in row 31"),
        (["01/02/2020", "03/04/2020"] * 20, r"day first or month first"),
        ([None] + ["2020-01-01"] * 39, r"missing in 1 of 40 rows \(the first is row 1"),
        ([1.0, np.inf] * 20, r"holds inf in row 2"),
        ([True, False] * 20, r"holds booleans"),
        ([3] * 40, r"holds a single value"),
    ],
)
def test_time_that_can_not_order(column, match):
    with pytest.raises(BadInputError, match=match):
        table_from_frame(small(when=column), target="paid", time="when")


# Features ---------------------------------------------------------------------------


def test_empty_columns_are_named_with_the_option_that_mends_it():
    frame = small(nothing=np.nan, **{"and this": None})
    with pytest.raises(
        BadInputError, match=r"'nothing', 'and this' have .*nothing --drop 'and this'"
    ):
        table_from_frame(frame, target="paid")
    table = table_from_frame(frame, target="paid", drop=["nothing", "and this"])
    assert list(table.X) == ["age", "town"]


def test_infinite_values_are_counted():
    frame = small()
    frame.loc[[2, 5], "age"] = [np.inf, -np.inf]
    with pytest.raises(BadInputError, match=r"'age' holds 2 infinite values"):
        table_from_frame(frame, target="paid")


@pytest.mark.parametrize(
    ("cell", "match"),
    [
        ([1, 2], "type list"),
        ({"a": 1}, "type dict"),
        (b"x", "type bytes"),
        (1j, "complex numbers"),
        (np.arange(2), "type ndarray"),
    ],
)
def test_nested_and_complex_cells(cell, match):
    frame = small(odd=[cell] * 40)
    with pytest.raises(BadInputError, match=rf"'odd' holds.*{match}.*--drop odd"):
        table_from_frame(frame, target="paid")


def test_constant_column_is_a_note():
    table = table_from_frame(small(same=1.0), target="paid")
    assert "same" in table.X
    assert "The column 'same' is constant." in table.notes


def test_odd_dtypes_become_plain():
    table = table_from_frame(
        small(
            nullable=pd.array([1, None] * 20, dtype="Int64"),
            flag=pd.array([True, False] * 20, dtype="boolean"),
            maybe=np.array([True, None, False, True] * 10, dtype=object),
            mixed=np.array([1, "a", None, 2.5] * 10, dtype=object),
            day=[datetime.date(2020, 1, 1 + i % 9) for i in range(40)],
            span=pd.to_timedelta(np.arange(40) % 5, unit="s"),
            codes=pd.Categorical([1, 2, None, 3] * 10),
            huge=pd.Series([2**63 + i % 5 for i in range(40)], dtype=np.uint64),
        ),
        target="paid",
    )
    kinds = {name: str(dtype) for name, dtype in table.X.dtypes.items()}
    assert kinds["nullable"] == kinds["maybe"] == kinds["span"] == "float64"
    assert kinds["flag"] == "bool"
    assert kinds["day"].startswith("datetime64")
    assert kinds["codes"] == "category"
    assert list(table.X["codes"].cat.categories) == ["1", "2", "3"]
    assert table.X["huge"].nunique() == 5
    assert list(table.X["mixed"].iloc[[0, 1, 3]]) == ["1", "a", "2.5"]
    assert table.X["mixed"].isna().sum() == 10


# Identifiers ------------------------------------------------------------------------


def test_identifiers_are_named_and_kept():
    n = 200
    rng = np.random.default_rng(0)
    columns = {
        "Unnamed: 0": np.arange(n),
        "shuffled": rng.permutation(n) + 1000,
        "customerId": rng.choice(10**9, n, replace=False),
        "order_id": rng.choice(10**9, n, replace=False),
        "uuid": [
            str(uuid.UUID(int=int(i), version=4)) for i in rng.integers(2**62, size=n)
        ],
        "mail": [f"p{i}@example.org" for i in rng.permutation(n)],
        "stamp": np.sort(rng.choice(10**9, n, replace=False)),
    }
    table = table_from_frame(small(n, **columns), target="paid")
    assert table.id_like == tuple(columns)
    assert set(columns) < set(table.X)
    assert any("look like identifiers" in note for note in table.notes)


def test_measurements_are_no_identifiers():
    n = 200
    rng = np.random.default_rng(0)
    words = np.array(["the", "cat", "sat", "on", "a", "mat", "and", "slept", "long"])
    columns = {
        "normal": rng.normal(size=n),
        "sorted": np.sort(rng.normal(size=n)),
        "count": rng.poisson(50, n),
        "income": rng.choice(10**7, n, replace=False),
        "text": [" ".join(rng.choice(words, 8)) for _ in range(n)],
        "day": pd.date_range("2020", periods=n).strftime("%Y-%m-%d"),
        "date": pd.date_range("2020", periods=n),
        "width": rng.integers(0, 300, n),
        "valid": rng.choice(10**7, n, replace=False),
    }
    table = table_from_frame(small(n, **columns), target="paid")
    assert table.id_like == ()
    few = small(30, row=np.arange(30))
    assert table_from_frame(few, target="paid").id_like == ()


# Content hash -----------------------------------------------------------------------


def test_hash_sees_every_cell_and_nothing_else():
    def of(frame, **options):
        return table_from_frame(frame, target="paid", **options).content_hash

    frame = small(when=np.arange(40), home=np.arange(40) // 2)
    frame.loc[3, "age"] = np.nan
    base = of(frame)
    assert base == of(frame.copy(), name="other", source="elsewhere")
    assert base == of(frame.set_index(pd.Index(range(40, 80))))
    negative = frame.assign(age=frame["age"].where(frame["age"].notna(), -np.nan))
    assert base == of(negative)
    others = [
        of(frame.assign(age=frame["age"].fillna(0.0))),
        of(frame.rename(columns={"town": "city"})),
        of(frame.replace({"town": {"Ulm": "Ulma"}})),
        of(frame.iloc[::-1]),
        of(frame[["town", "age", "when", "home", "paid"]]),
        of(frame.astype({"town": "category"})),
        of(frame.replace({"paid": {"yes": "ja"}})),
        of(frame, positive="no"),
        of(frame, time="when"),
        of(frame, groups="home"),
        of(frame, drop=["when"]),
        of(frame.assign(paid=np.roll(frame["paid"], 1))),
    ]
    assert len({base, *others}) == len(others) + 1


def test_hash_is_the_same_in_another_process(tmp_path):
    frame = small(day=pd.date_range("2020", periods=40))
    path = tmp_path / "t.parquet"
    frame.to_parquet(path)
    code = (
        "import sys\nfrom skoverfit.bench._tables import load_table\n"
        "print(load_table(sys.argv[1], target='paid').content_hash)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "77", "OMP_NUM_THREADS": "1"},
    )
    assert done.stdout.strip() == load_table(path, target="paid").content_hash


# Odd input --------------------------------------------------------------------------


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    names=st.lists(
        st.text(min_size=1, max_size=8).filter(
            lambda s: s.strip() == s and "\0" not in s and "\r" not in s
        ),
        min_size=2,
        max_size=2,
        unique=True,
    ),
    labels=st.lists(
        st.text(
            st.characters(codec="utf-8", exclude_categories=["Cc"]),
            min_size=1,
            max_size=8,
        ).map(lambda s: f"<{s}>"),
        min_size=2,
        max_size=2,
        unique=True,
    ),
)
def test_any_name_and_label_survives_a_csv(tmp_path, names, labels):
    feature, target = names
    frame = pd.DataFrame(
        {
            feature: np.arange(12) % 5 + 0.25,
            target: [labels[i % 3 == 0] for i in range(12)],
        }
    )
    path = tmp_path / "t.csv"
    try:
        frame.to_csv(path, index=False)
    except UnicodeEncodeError:
        return  # lone surrogates can't be in a file
    table = load_table(path, target=target)
    assert list(table.X) == [feature]
    assert table.class_names == (labels[0], labels[1])
    np.testing.assert_array_equal(table.y, np.arange(12) % 3 == 0)


# Real tables ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shape", "classes", "n_positive"),
    [
        ("mixed_adult_train", (32561, 14), ("<=50K", ">50K"), 7841),
        ("mixed_german", (1000, 20), ("1", "2"), 300),
        ("imb_mammography", (11183, 6), ("0", "1"), 260),
        ("multi_page_blocks", (5472, 10), ("1", "2", "3", "4", "5"), None),
        ("wide_leukemia", (72, 5147), ("ALL", "AML"), 25),
    ],
)
def test_real_tables(real_data, name, shape, classes, n_positive):
    table = load_table(real_data / f"{name}.csv.gz", target="target")
    assert table.X.shape == shape
    assert table.class_names == classes
    assert table.id_like == ()
    if n_positive is not None:
        assert table.y.sum() == n_positive
