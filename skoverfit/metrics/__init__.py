# SPDX-License-Identifier: BSD-3-Clause
"""Scores that scikit-learn lacks."""
