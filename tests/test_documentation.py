"""Tables and numbers that the documentation repeats are those of the code."""

import re
import runpy
from pathlib import Path

import pytest

import skdeepprune

REPOSITORY = Path(__file__).resolve().parents[1]


def text_of(name):
    return (REPOSITORY / name).read_text(encoding="utf-8")


def test_the_version_is_cited():
    assert re.search(r"^version: (.+)$", text_of("CITATION.cff"), re.MULTILINE)[1] == skdeepprune.__version__


def test_extras_are_those_of_setup(monkeypatch):
    monkeypatch.setattr("setuptools.setup", lambda **arguments: None)
    extras = runpy.run_path(str(REPOSITORY / "setup.py"))["EXTRAS"]
    table = text_of("docs/getting_started.rst").split("Extra          Adds")[1].split("To see the method")[0]
    listed = set(re.findall(r"^``(\w+)``", table, re.MULTILINE))
    assert listed == set(extras) - {"test", "docs", "benchmarks", "release"}


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_make_has_the_targets_that_are_named(page):
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    named = set(re.findall(r"^make ([a-z]+)|`make ([a-z]+)`", text_of(page), re.MULTILINE))
    assert {a or b for a, b in named} <= targets


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_files_that_are_named_are_there(page):
    names = re.findall(r"`((?:skdeepprune|tests|docs|benchmarks)/(?!_build)[\w./]+)`", text_of(page))
    missing = [name for name in names if not (REPOSITORY / name).exists()]
    assert names and missing == []
