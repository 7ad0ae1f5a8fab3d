"""The order of the house: imports keep their contracts, and heavy libraries stay out until they are needed."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / "skdeepprune"
DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc"}


def test_imports_keep_the_contracts():
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    run = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_floors_are_as_documented():
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    (layers,) = (
        contract["layers"] for contract in settings["tool"]["importlinter"]["contracts"] if contract["type"] == "layers"
    )
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \d \| (.+?) \|", text, re.MULTILINE)
    documented = [room for row in rows for room in re.findall(r"`(\w+)`", row)]
    height = {room: number for number, layer in enumerate(layers) for room in layer.split(" | ")}
    assert [height[room] for room in documented] == sorted(height[room] for room in documented)
    lowest = height[documented[-1]]
    assert set(documented) == {room for room, number in height.items() if number <= lowest}


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import sys, skdeepprune\n"
        "print(*sorted({'tensorflow', 'keras', 'matplotlib', 'numba'} & set(sys.modules)), file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr.strip()) == (0, "")


def test_no_drawers():
    files = [path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py")]
    assert [file for file in files if {part.strip("_") for part in file.with_suffix("").parts} & DRAWERS] == []
