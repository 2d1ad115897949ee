# SPDX-License-Identifier: BSD-3-Clause
"""The main job: which remedy helps on a table, measured honestly."""
