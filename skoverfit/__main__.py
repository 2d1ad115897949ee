# SPDX-License-Identifier: BSD-3-Clause
"""``python -m skoverfit`` is the ``skoverfit`` command."""

from skoverfit.bench._entry import main

if __name__ == "__main__":
    main()
