# SPDX-License-Identifier: BSD-3-Clause
"""The rows of the public catalogue, by what they treat."""
