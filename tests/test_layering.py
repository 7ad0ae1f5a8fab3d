"""The order of the house: imports keep their contracts, and heavy libraries stay out until they are needed."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / "skdeepprune"
FILES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
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


PRIVATE = {
    "_signal": "the public module takes milliseconds to import, in which an interruption is a traceback",
    "sklearn_compat.base._fit_context": "made for others than scikit-learn, for every version",
}


def test_private_parts_of_other_libraries_are_not_imported():
    found = set()
    for file in FILES:
        for node in ast.walk(ast.parse((PACKAGE / file).read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
    private = {
        name
        for name in found
        if name.split(".")[0] not in ("skdeepprune", "__future__") and any(part[:1] == "_" for part in name.split("."))
    }
    assert private == PRIVATE.keys()


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


def test_test_modules_do_not_import_each_other():
    found = {
        (file.name, module)
        for file in (REPOSITORY / "tests").glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for module in ([node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
        if module and module.split(".")[-1].startswith("test_")
    }
    assert found == set()
