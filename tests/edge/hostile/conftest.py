"""The corpus and its tools are imported by their full names, also where the tests are run from another folder."""

import sys
from pathlib import Path

ROOT = str(Path(__file__).parents[3])

if ROOT not in sys.path:
    sys.path.append(ROOT)  # last, so that a compiled build that stands before it is what is tested
