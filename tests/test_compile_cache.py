"""Machine code on disk: found again, never old, never fatal."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import skdeepprune

PROGRAM = """
import sys
from skdeepprune._engines._adam import adam_step
from skdeepprune._compiling import random_unit
import numpy as np
{before}
theta = np.zeros(3, np.float32)
for _ in range(2):
    adam_step(theta, np.ones(3, np.float32), np.zeros((2, 3), np.float32), 0.5, 1)
print(theta.round(4).tolist(), sum(adam_step.stats.cache_hits.values()), sum(adam_step.stats.cache_misses.values()))
"""
MOVED = "[-1.0, -1.0, -1.0]"


def run(folder, *, before="", package=None):
    """Two steps of Adam in a process of its own: what they came to, and whether the code was found or compiled."""
    env = {
        **os.environ,
        "NUMBA_CACHE_DIR": str(folder),
        "PYTHONPATH": str(package or Path(skdeepprune.__file__).parents[1]),
    }
    code = PROGRAM.format(before=before)
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, cwd=package)
    assert done.returncode == 0, done.stderr
    moved, hits, misses = done.stdout.rsplit(" ", 2)
    return moved, int(hits), int(misses)


def entries(folder, suffix):
    return sorted(Path(folder).rglob(f"_adam*{suffix}"))


def test_code_is_found_again(tmp_path):
    assert run(tmp_path) == (MOVED, 0, 1)
    assert entries(tmp_path, ".nbi")
    assert entries(tmp_path, ".nbc")
    assert run(tmp_path) == (MOVED, 1, 0)


def flip_a_bit(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


DAMAGES = [lambda data: b"", lambda data: data[: len(data) // 2], lambda data: b"\x80" * 99, flip_a_bit]


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files_are_compiled_again(tmp_path, suffix, damage):
    run(tmp_path)
    for path in entries(tmp_path, suffix):
        path.write_bytes(damage(path.read_bytes()))
    assert run(tmp_path) == (MOVED, 0, 1)
    assert run(tmp_path) == (MOVED, 1, 0), "it was kept again"


def test_a_missing_entry_is_compiled_again(tmp_path):
    run(tmp_path)
    for path in entries(tmp_path, ".nbc"):
        path.unlink()
    assert run(tmp_path) == (MOVED, 0, 1)


@pytest.mark.skipif(sys.platform == "win32", reason="limits on the size of files are POSIX")
def test_without_room_on_the_disk_it_is_compiled_and_not_kept(tmp_path):
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))"
    assert run(tmp_path, before=full) == (MOVED, 0, 1)
    assert not entries(tmp_path, ".nbc")


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are POSIX")
def test_a_folder_that_becomes_unwritable_is_not_fatal(tmp_path):
    gone = f"import shutil; shutil.rmtree({str(tmp_path)!r}); open({str(tmp_path)!r}, 'w').close()"
    assert run(tmp_path, before=gone) == (MOVED, 0, 1)


def test_a_change_in_any_file_of_the_engine_compiles_anew(tmp_path):
    package, cache = tmp_path / "copy", tmp_path / "cache"
    source = Path(skdeepprune.__file__).parent
    shutil.copytree(source, package / "skdeepprune", ignore=shutil.ignore_patterns("__pycache__"))
    assert run(cache, package=package) == (MOVED, 0, 1)
    assert run(cache, package=package) == (MOVED, 1, 0)
    with (package / "skdeepprune" / "_engines" / "_words.py").open("a") as file:
        file.write("# changed\n")
    assert run(cache, package=package) == (MOVED, 0, 1)
    with (package / "skdeepprune" / "_pruning.py").open("a") as file:
        file.write("# nothing is compiled here\n")
    assert run(cache, package=package) == (MOVED, 1, 0)
