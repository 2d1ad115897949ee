# SPDX-License-Identifier: BSD-3-Clause
"""Say what to install where the ``bench`` extra is absent."""

from importlib.util import find_spec

__all__ = ["BENCH_MODULES", "missing_modules", "require_bench_extra"]

BENCH_MODULES = (
    "jinja2",
    "matplotlib",
    "pandas",
    "pyarrow",
    "rich",
    "skrub",
    "typer",
)


def missing_modules() -> list[str]:
    """Return the modules of the extra that can't be found."""
    return [name for name in BENCH_MODULES if find_spec(name) is None]


def require_bench_extra() -> None:
    """Raise an ImportError with the install line if a module is absent."""
    missing = missing_modules()
    if missing:
        raise ImportError(
            f"The bench needs {', '.join(missing)}; install the extra with: "
            'pip install "skoverfit[bench]"'
        )
