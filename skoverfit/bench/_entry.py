# SPDX-License-Identifier: BSD-3-Clause
"""The ``skoverfit`` command: says the install line where the extra is absent."""

import sys

from skoverfit.bench._extra import require_bench_extra


def main() -> None:
    """Run the command line."""
    try:
        require_bench_extra()
    except ImportError as exc:
        sys.stderr.write(f"Error: {exc}\n")
        raise SystemExit(2) from None
    from skoverfit.bench._cli import app

    app()
