# SPDX-License-Identifier: BSD-3-Clause
"""``skoverfit predict``: apply a saved model to a table."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Annotated, Any

import typer

from skoverfit._core._persistence import load, replace_file
from skoverfit.bench._commands._app import (
    ExitCode,
    names,
    one_sentence,
    prepare_output,
)
from skoverfit.bench._readers import read_frame
from skoverfit.bench._table_model import TableModel
from skoverfit.bench._tables import DEFAULT_MAX_BYTES
from skoverfit.exceptions import BadInputError

__all__ = ["EXIT_CODES", "predict"]

EXIT_CODES = "Exit codes: 0 the predictions are written; 2 bad input; 130 interrupted."
# So many rows are encoded at a time: memory stays bounded by the table itself.
_CHUNK = 50_000


def predict(
    model: Annotated[Path, typer.Option(help="A file that skoverfit cure wrote.")],
    data: Annotated[Path, typer.Option(help="A table: .csv, .csv.gz, .tsv, .parquet.")],
    output: Annotated[
        Path, typer.Option(help="The table of predictions, a row for each row.")
    ] = Path("predictions.csv"),
    keep: Annotated[
        str | None,
        typer.Option(help="Columns of the table to repeat, with commas between."),
    ] = None,
    max_bytes: Annotated[
        int, typer.Option(min=1, help="Refuse files larger than this, uncompressed.")
    ] = DEFAULT_MAX_BYTES,
) -> None:
    """Apply a model that `skoverfit cure` saved; nothing in its file is run."""
    with one_sentence("No predictions were written."):
        loaded = _load(model, max_bytes)
        frame, _ = read_frame(data, max_bytes=max_bytes, text=loaded.text_columns)
        kept = names(keep) or []
        unknown = [name for name in kept if name not in frame.columns]
        if unknown:
            raise BadInputError(
                f"--keep {unknown[0]!r} is not a column of {str(data)!r}."
            )
        rows = loaded.rows(frame)
        if output.is_dir():
            raise BadInputError(f"--output {str(output)!r} is a folder; name a file.")
        prepare_output(output.parent)
        answer = _predictions(loaded, rows, frame[kept])
        try:
            replace_file(output, answer.to_csv(index=False).encode())
        except OSError as exc:
            raise BadInputError(
                f"{str(output)!r} can't be written: {exc.strerror or exc}."
            ) from exc
    low, high = loaded.estimate["interval"]
    typer.echo(
        f"{len(answer)} predictions of {loaded.target!r}: {output}\n"
        f"Expect {loaded.estimate['score']} {loaded.estimate['corrected']:.3f} "
        f"[{low:.3f}, {high:.3f}] on rows like those of {loaded.table_name!r}."
    )
    raise typer.Exit(ExitCode.COMPLETE)


def _load(path: Path, max_bytes: int) -> TableModel:
    if not path.is_file():
        raise BadInputError(f"There is no file {str(path)!r}.")
    if not zipfile.is_zipfile(path):
        raise BadInputError(
            f"{str(path)!r} is no model of `skoverfit cure`; nothing of it was read."
        )
    found = load(path, max_bytes=max_bytes)
    if not isinstance(found, TableModel):
        raise BadInputError(
            f"{str(path)!r} holds a {type(found).__name__} and no model of `skoverfit "
            "cure`; use skoverfit.load in Python for it."
        )
    return found


def _predictions(model: TableModel, rows: Any, kept: Any) -> Any:
    import numpy as np
    import pandas as pd

    parts: list[dict[str, Any]] = []
    for start in range(0, len(rows), _CHUNK):
        part = rows.iloc[start : start + _CHUNK].reset_index(drop=True)
        made = {"prediction": model.named(model.model.predict(part))}
        if model.class_names and hasattr(model.model, "predict_proba"):
            proba = model.in_order(model.model.predict_proba(part))
            for name, column in zip(model.class_names, proba.T, strict=True):
                made[f"probability_{name}"] = column
        parts.append(made)
    columns = {n: np.concatenate([p[n] for p in parts]) for n in parts[0]}
    clash = [name for name in kept.columns if name in columns]
    kept = kept.rename(columns={name: f"{name}_given" for name in clash})
    return pd.concat([kept.reset_index(drop=True), pd.DataFrame(columns)], axis=1)
