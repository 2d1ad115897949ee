"""Settings that every test shares."""

import os
from pathlib import Path

import pytest

# One thread per library in each of the two workers: a second one on a two-core machine
# makes small torch and BLAS calls many times slower.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder with the real tables; skips where they are not, unless REQUIRE_DATA=1."""
    if not REAL_DATA.is_dir():
        if os.environ.get("REQUIRE_DATA") == "1":
            pytest.fail(f"REQUIRE_DATA=1, but {REAL_DATA} does not exist")
        pytest.skip("the real tables are not beside this checkout")
    return REAL_DATA
