"""Says at the head of every run which build is tested; INSEAM_EXPECT=compiled insists that it is the compiled one."""

import os

import pytest

from router.wire import head

BUILD = "compiled" if head.__file__.endswith(".so") else "plain Python"


def pytest_report_header(config: pytest.Config) -> str:
    if os.environ.get("INSEAM_EXPECT") == "compiled" and BUILD != "compiled":
        pytest.exit(f"the compiled build was to be tested, but {head.__file__} is plain Python", returncode=1)
    return f"inseam: {BUILD}"
