# SPDX-License-Identifier: BSD-3-Clause
"""The commands of the command line, a module each."""
