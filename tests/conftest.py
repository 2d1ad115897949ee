"""Settings that every test shares."""

import os
import shutil
from pathlib import Path

import pytest

# One thread per library in each of the two workers: a second one on a two-core machine
# makes small torch and BLAS calls many times slower.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

BROWSER_ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder with the real tables; skips where they are not, unless REQUIRE_DATA=1."""
    if not REAL_DATA.is_dir():
        if os.environ.get("REQUIRE_DATA") == "1":
            pytest.fail(f"REQUIRE_DATA=1, but {REAL_DATA} does not exist")
        pytest.skip("the real tables are not beside this checkout")
    return REAL_DATA


def _no_browser(reason):
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(f"REQUIRE_BROWSER=1, but {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser():
    """Yield a headless browser; skips without one, unless REQUIRE_BROWSER=1."""
    executable = shutil.which("chromium")
    if executable is None:
        _no_browser("chromium is not on the path")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _no_browser("playwright is not installed")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=executable, args=list(BROWSER_ARGS)
        )
        yield chromium
        chromium.close()


def pytest_sessionfinish(session, exitstatus):
    """Where a skip is not a pass (REQUIRE_NO_SKIPS=1), end as a failure and say so."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("REQUIRE_NO_SKIPS") == "1" and reporter is not None:
        skipped = reporter.stats.get("skipped", [])
        if skipped and exitstatus == 0:
            reporter.write_line(
                f"REQUIRE_NO_SKIPS=1: {len(skipped)} skipped tests are failures",
                red=True,
            )
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
