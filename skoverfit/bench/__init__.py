# SPDX-License-Identifier: BSD-3-Clause
"""The main job: which remedy helps on a table, measured honestly.

It needs the ``bench`` extra (``pip install "skoverfit[bench]"``); names are loaded on
first use, so that the command line can say so where the extra is absent.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from skoverfit.bench._extra import require_bench_extra

_HOMES = {
    "BenchResult": "_bench",
    "Scenario": "_suites",
    "Table": "_types",
    "embedded_tables": "_suites",
    "load_openml": "_openml",
    "load_table": "_tables",
    "make_estimators": "_estimators",
    "run_bench": "_bench",
    "table_from_frame": "_tables",
    "write_report": "_report",
}

__all__ = [
    "BenchResult",
    "Scenario",
    "Table",
    "embedded_tables",
    "load_openml",
    "load_table",
    "make_estimators",
    "run_bench",
    "table_from_frame",
    "write_report",
]

if TYPE_CHECKING:
    from skoverfit.bench._bench import (
        BenchResult as BenchResult,
        run_bench as run_bench,
    )
    from skoverfit.bench._estimators import make_estimators as make_estimators
    from skoverfit.bench._openml import load_openml as load_openml
    from skoverfit.bench._report import write_report as write_report
    from skoverfit.bench._suites import (
        Scenario as Scenario,
        embedded_tables as embedded_tables,
    )
    from skoverfit.bench._tables import (
        load_table as load_table,
        table_from_frame as table_from_frame,
    )
    from skoverfit.bench._types import Table as Table


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        require_bench_extra()
        module = importlib.import_module(f"skoverfit.bench.{_HOMES[name]}")
        return getattr(module, name)
    raise AttributeError(f"module 'skoverfit.bench' has no attribute {name!r}")
