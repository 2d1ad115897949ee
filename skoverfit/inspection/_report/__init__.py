# SPDX-License-Identifier: BSD-3-Clause
"""The parts of `OverfittingReport`: one engine, twelve sections, one verdict."""
