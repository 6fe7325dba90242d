"""What every test may use: the repository, the prepared models, and the two real programs."""

import os
import re
from pathlib import Path

import pytest
import stack

ROOT = Path(__file__).parents[1]
IN_CI = bool(os.environ.get("CI"))


@pytest.fixture(scope="session")
def models():
    """The folder of the prepared models."""
    return ROOT / "models"


@pytest.fixture(scope="session")
def service():
    """Both programs under the supervisor, as `make run` starts them."""
    with stack.running() as running:
        yield running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """In CI nothing is skipped: what is missing there is a fault of our own install steps."""
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not re.search(r"\[not in CI\]", reason):
            report.outcome, report.longrepr = "failed", f"skipped in CI, where nothing may be: {reason}"
    return report
