# SPDX-License-Identifier: BSD-3-Clause
"""Options that several commands have: one name, one meaning, one help."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = [
    "Drop",
    "Groups",
    "MaxBytes",
    "NJobs",
    "Positive",
    "Quiet",
    "Seed",
    "TableTask",
    "Time",
]

Groups = Annotated[
    str | None, typer.Option(help="Column whose rows never straddle folds.")
]
Time = Annotated[
    str | None, typer.Option(help="Column of times: train on the past only.")
]
Drop = Annotated[
    str | None, typer.Option(help="Columns to leave out, with commas between.")
]
Positive = Annotated[
    str | None, typer.Option(help="The positive class; default: the rarer one.")
]
TableTask = Annotated[
    str | None,
    typer.Option(
        help="classification or regression; default: what the target looks like."
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything.")]
NJobs = Annotated[int, typer.Option(help="Workers; -1 is one a core.")]
MaxBytes = Annotated[
    int, typer.Option(min=1, help="Refuse tables larger than this, uncompressed.")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]
