# SPDX-License-Identifier: BSD-3-Clause
"""Errors and warnings of the library."""

__all__ = ["BadInputError", "SkoverfitWarning", "StoreError", "TrainingError"]


class BadInputError(ValueError):
    """Say in one sentence which input is wrong, what was met and what is allowed.

    The command line prints the sentence alone and ends with exit code 2; in Python it
    is an ordinary ``ValueError``.
    """


class StoreError(RuntimeError):
    """Say why the result store can't be read or written; nothing in it was lost."""


class TrainingError(ArithmeticError):
    """Say at which step a training broke down, with which learning rate, and why."""


class SkoverfitWarning(UserWarning):
    """Base class of the library's warnings."""
