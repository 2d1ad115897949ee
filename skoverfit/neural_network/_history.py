# SPDX-License-Identifier: BSD-3-Clause
"""The history of a training as plain values, and as a frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["HistoryMixin", "history_rows"]


def history_rows(history: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one row an epoch from the history of the held net.

    Parameters
    ----------
    history : sequence of mapping
        Rows of skorch's history.
    """
    rows = []
    for number, row in enumerate(history, start=1):
        made: dict[str, Any] = {"epoch": number}
        for name, key in _KEYS.items():
            if key in row:
                made[name] = row[key]
        rows.append(made)
    return rows


# What is kept, and what the held net calls it.
_KEYS = {
    "train_loss": "train_loss",
    "valid_loss": "valid_loss",
    "learning_rate": "lr",
    "seconds": "epoch_seconds",
    "train_losses": "train_losses",
    "valid_losses": "valid_losses",
    # of GrokkingMonitor
    "step": "step",
    "train_accuracy": "train_accuracy",
    "test_accuracy": "test_accuracy",
    "flipped_accuracy": "flipped_accuracy",
}


class HistoryMixin:
    """What an estimator with ``history_`` can say of its training."""

    history_: list[dict[str, Any]]
    n_iter_: int

    def history_frame(self) -> Any:
        """Return the history as a frame, one row an epoch and net.

        Returns
        -------
        pandas.DataFrame
            Columns ``epoch`` (from 1), ``net`` (from 0), ``train_loss``,
            ``learning_rate``, ``seconds`` since the fit began, and with early stopping
            ``valid_loss`` and ``is_best``: whether the net was put back to this epoch.

        Raises
        ------
        ImportError
            If pandas is not installed.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skoverfit.neural_network import TabularMLPClassifier
        >>> net = TabularMLPClassifier(n_estimators=2, max_epochs=3, random_state=0)
        >>> net.fit(*load_iris(return_X_y=True)).history_frame().shape
        (6, 7)
        """
        from sklearn.utils._optional_dependencies import check_pandas_support
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self, "history_")
        pandas = check_pandas_support(f"{type(self).__name__}.history_frame")
        best = getattr(self, "best_epochs_", None)
        cells = []
        for row in self.history_:
            for net, loss in enumerate(row["train_losses"]):
                cell = {"epoch": row["epoch"], "net": net, "train_loss": loss}
                if "valid_losses" in row:
                    cell["valid_loss"] = row["valid_losses"][net]
                cell["learning_rate"] = row["learning_rate"]
                cell["seconds"] = row["seconds"]
                if best is not None:
                    cell["is_best"] = best[net] == row["epoch"]
                cells.append(cell)
        return pandas.DataFrame(cells)
