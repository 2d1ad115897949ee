# SPDX-License-Identifier: BSD-3-Clause
"""Generators, and injectors of label noise and imbalance."""
