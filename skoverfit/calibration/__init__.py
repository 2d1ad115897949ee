# SPDX-License-Identifier: BSD-3-Clause
"""Decisions and probabilities repaired after training."""
