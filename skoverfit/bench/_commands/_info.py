# SPDX-License-Identifier: BSD-3-Clause
"""``skoverfit info``: versions and catalogue."""

from __future__ import annotations

import typer

import skoverfit
from skoverfit._core._versions import peer_versions
from skoverfit.bench._estimators import ESTIMATOR_TITLES
from skoverfit.catalogue import REMEDIES

__all__ = ["info"]


def info() -> None:
    """Print the versions and the catalogue."""
    typer.echo(f"skoverfit {skoverfit.__version__}")
    for name, text in peer_versions().items():
        typer.echo(f"  {name} {text}")
    typer.echo("\nRemedies:")
    for remedy in REMEDIES:
        if remedy.role != "tool":
            only = "" if "classification" in remedy.tasks else ", of numbers"
            typer.echo(f"  {remedy.name:25} {remedy.title:30} {remedy.kind}{only}")
    typer.echo("\nEstimators:")
    for name, title in ESTIMATOR_TITLES.items():
        typer.echo(f"  {name:25} {title}")
