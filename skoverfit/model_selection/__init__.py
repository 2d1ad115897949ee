# SPDX-License-Identifier: BSD-3-Clause
"""Applying remedies to an estimator."""

__all__: list[str] = []
