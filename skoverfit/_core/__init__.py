# SPDX-License-Identifier: BSD-3-Clause
"""Ground floor: private helpers that every room may use."""
