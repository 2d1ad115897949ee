# SPDX-License-Identifier: BSD-3-Clause
"""The command line, a module for each command. `ExitCode` lists the exit codes."""

from __future__ import annotations

import typer

from skoverfit.bench._commands import (
    _bench,
    _claims,
    _cure,
    _diagnose,
    _info,
    _predict,
    _stores,
)
from skoverfit.bench._commands._app import ExitCode

__all__ = ["ExitCode", "app"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Every published remedy for overfitting, and which of them helps on a table.",
)

# In the order of --help.
app.command(epilog=_bench.EXIT_CODES)(_bench.bench)
app.command(epilog=_diagnose.EXIT_CODES)(_diagnose.diagnose)
app.command(epilog=_cure.EXIT_CODES)(_cure.cure)
app.command(epilog=_predict.EXIT_CODES)(_predict.predict)
app.command()(_stores.report)
app.command()(_stores.merge)
app.command()(_info.info)
app.command(epilog=_claims.EXIT_CODES)(_claims.claims)
