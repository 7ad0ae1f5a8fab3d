"""The house's order: imports point down, and the heavy libraries stay out until they are needed."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "skdeepprune"

FLOORS = [
    {
        "_callbacks",
        "_compile_cache",
        "_compiling",
        "_glyphs",
        "_paper",
        "_random",
        "_reading",
        "_writing",
        "_mutation",
        "sequences",
        "_network",
        "_channels",
        "_interruption",
        "_weights",
        "_model_layout",
    },
    {"_augmentation", "_composition", "_word_penalty", "_inputs", "_pruning", "_engines"},
    {"_training", "_onehot", "genome"},
    {"_classifier", "motifs", "datasets", "baselines", "model_selection"},
    {"_model_file", "report", "plots", "cli", "bench"},
]
# The doors: they may import anything, and nothing may import them.
DOORS = {"__init__", "__main__"}
SAME_FLOOR = {
    ("bench", "plots"),
    ("bench", "report"),
    ("baselines", "motifs"),
    ("_network", "sequences"),
    ("_channels", "sequences"),
    ("_compiling", "_compile_cache"),
    ("_mutation", "_compiling"),
    ("sequences", "_compiling"),
    ("sequences", "_random"),
    ("sequences", "_reading"),
    ("sequences", "_writing"),
    ("cli", "_model_file"),
    ("cli", "bench"),
    ("cli", "plots"),
    ("cli", "report"),
}
DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc"}

FILES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def _module_name(file: Path) -> str:
    parts = ("skdeepprune", *file.with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_module_name(file): file for file in FILES}


def _room(file: Path) -> str:
    """Name the top-level module or package that a file belongs to."""
    return file.with_suffix("").parts[0]


def _imports(file: Path, source: str | None = None) -> Iterator[str]:
    """Yield the dotted names that a file imports, wherever in it, as far as they name modules."""
    package = _module_name(file).split(".")
    if file.name != "__init__.py":
        package.pop()
    for node in ast.walk(ast.parse((PACKAGE / file).read_text() if source is None else source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                submodule = f"{base}.{alias.name}"
                yield submodule if submodule in MODULES else base


def _own(names: Iterator[str]) -> set[str]:
    return {name for name in names if name.split(".")[0] == "skdeepprune"}


def _floor(room: str) -> int:
    for number, rooms in enumerate(FLOORS):
        if room in rooms:
            return number
    pytest.fail(
        f"skdeepprune/{room} stands on no floor. Put its name into FLOORS in tests/test_layering.py, on the lowest "
        "floor above everything that it imports."
    )


def _violations(file: Path, names: Iterator[str]) -> list[str]:
    room = _room(file)
    found = []
    for name in sorted(_own(names)):
        target = name.split(".")[1] if "." in name else "__init__"
        if target == room or (room, target) in SAME_FLOOR:
            continue
        if target in DOORS:
            found.append(f"{file} imports {name}, a door; import from the module that defines the name")
        elif _floor(target) >= _floor(room):
            found.append(f"{file} (floor {_floor(room)}) imports {name} (floor {_floor(target)})")
    return found


def test_every_module_stands_on_a_floor():
    for room in {_room(file) for file in FILES} - DOORS:
        _floor(room)


@pytest.mark.parametrize("file", [file for file in FILES if _room(file) not in DOORS], ids=str)
def test_imports_point_down(file):
    assert _violations(file, _imports(file)) == []


@pytest.mark.parametrize(
    "source",
    [
        "import skdeepprune.plots",
        "from skdeepprune import plots",
        "from skdeepprune.datasets import load_simulated",
        "from . import _classifier",
        "from ._training import train",
        "from skdeepprune import __version__",
        "def f():\n    from skdeepprune.plots import plot_stages",
    ],
)
def test_an_import_that_points_up_is_seen(source):
    file = Path("_pruning.py")
    assert len(_violations(file, _imports(file, source))) == 1


def test_no_circles():
    graph = {name: _own(_imports(file)) - {name} for name, file in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"imports in a circle: {' -> '.join(error.args[1])}", pytrace=False)


def test_tensorflow_is_imported_in_one_file():
    importers = [
        file for file in FILES if {name.split(".")[0] for name in _imports(file)} & {"tensorflow", "keras", "tf_keras"}
    ]
    assert importers == [Path("_engines/_tensorflow.py")]


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import sys, skdeepprune\n"
        "print(*sorted({'tensorflow', 'keras', 'matplotlib', 'numba'} & set(sys.modules)), file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr.strip()) == (0, "")


def test_no_drawers():
    assert [file for file in FILES if {part.strip("_") for part in file.with_suffix("").parts} & DRAWERS] == []
