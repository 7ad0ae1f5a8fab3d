"""Print the lower bounds in setup.py as constraints for pip: the oldest supported versions."""

import re
from pathlib import Path

SETUP = (Path(__file__).resolve().parents[1] / "setup.py").read_text(encoding="utf-8")
# Tools that check the code but are not needed to run it.
NOT_RUN = {"import-linter", "mypy", "pandas-stubs", "ruff", "setuptools"}

for name, version in sorted(set(re.findall(r'"([A-Za-z][\w.-]*)(?:\[[\w,]+\])?>=([\d.]+)[^"]*"', SETUP))):
    if name not in NOT_RUN:
        print(f"{name}=={version}")
