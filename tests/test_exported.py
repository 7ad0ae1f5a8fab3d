"""What is exported, what is documented and what can be imported are the same list."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import skdeepprune

API_PAGE = Path(__file__).resolve().parents[1] / "docs" / "api.rst"
# The command line is documented as a command, not as functions.
COMMANDS = {"cli"}
SUBMODULES = sorted(
    module.name
    for module in pkgutil.iter_modules(skdeepprune.__path__)
    if module.name[0] != "_" and module.name not in COMMANDS
)
MODULES = ["skdeepprune", *(f"skdeepprune.{name}" for name in SUBMODULES)]


def _documented() -> dict[str, list[str]]:
    """Map every module that the API page names to the entries of its autosummary tables."""
    found: dict[str, list[str]] = {}
    module, in_table = "", False
    for line in API_PAGE.read_text().splitlines():
        if match := re.match(r"\.\. (?:currentmodule|automodule):: (\S+)", line):
            module, in_table = match[1], False
            found.setdefault(module, [])
        elif line.startswith(".. autosummary::"):
            in_table = True
        elif line and not line.startswith(" "):
            in_table = False
        elif in_table and (entry := re.fullmatch(r"\s+(\w+)", line)):
            found[module].append(entry[1])
    return found


def _defined(name: str) -> set[str]:
    """List the public functions and classes that a module, or the package of that name, defines."""
    members = vars(importlib.import_module(name)).items()
    return {
        key
        for key, value in members
        if key[0] != "_"
        and (inspect.isroutine(value) or inspect.isclass(value))
        and f"{value.__module__}.".startswith(f"{name}.")
    }


def test_the_api_page_names_every_public_module():
    assert sorted(_documented()) == sorted(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_documented_is_exported(name):
    exported = importlib.import_module(name).__all__
    assert len(set(exported)) == len(exported)
    assert sorted(_documented().get(name, [])) == sorted(set(exported) - {"__version__", *SUBMODULES})


@pytest.mark.parametrize("name", MODULES)
def test_exported_is_importable(name):
    module = importlib.import_module(name)
    for member in module.__all__:
        assert getattr(module, member) is not None


@pytest.mark.parametrize("name", MODULES)
def test_all_public_definitions_are_exported(name):
    assert _defined(name) <= set(importlib.import_module(name).__all__)


def test_the_package_exports_its_submodules():
    assert set(SUBMODULES) <= set(skdeepprune.__all__)


@pytest.mark.parametrize("name", MODULES)
def test_exported_objects_are_documented(name):
    module = importlib.import_module(name)
    for member in set(module.__all__) - {"__version__"}:
        assert inspect.getdoc(getattr(module, member)), f"{name}.{member} has no docstring"
