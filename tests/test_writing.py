"""Files that are whole or not there: links, leftovers, permissions, other file systems."""

import errno
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from skdeepprune._writing import check_writable, replacing, temporary_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such links, locks and permissions")

WRITE_FOREVER = """
import sys, time
from skdeepprune._writing import replacing
with replacing(sys.argv[1]) as part:
    part.write_text("half")
    print("there", flush=True)
    time.sleep(600)
"""


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def umask():
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("name", ["file", "x" * 250, "é" * 120, os.fsdecode(b"\xff\xfe.html"), ".", "a b\n[c]*"])
def test_a_file_of_any_name(tmp_path, name):
    path = tmp_path / "folder" / name if name != "." else tmp_path / "folder" / ".x"
    path.parent.mkdir()
    check_writable(path)
    with replacing(path) as part:
        part.write_text("new")
        assert part != path and part.parent == path.parent
    assert path.read_text() == "new"
    assert len(names_in(path.parent)) == 1


def test_an_older_file_stays_if_writing_fails(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as part:
        part.write_text("new")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert names_in(tmp_path) == ["file"]


def test_leftovers_of_killed_runs_are_removed_and_those_in_use_are_not(tmp_path):
    path = tmp_path / "report.html"
    processes = []
    try:
        for _ in range(2):
            command = [sys.executable, "-c", WRITE_FOREVER, str(path)]
            processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            assert processes[-1].stdout.readline() == "there\n"
        assert len(names_in(tmp_path)) == 2
        processes[0].kill()
        processes[0].wait()
        assert len(names_in(tmp_path)) == 2, "nothing can be done at the moment of a kill"
        (tmp_path / ".other.html.0123abcd.part").touch()
        with replacing(path) as part:
            part.write_text("new")
            assert len(names_in(tmp_path)) == 3, "the running one, this one and another file's"
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert len(names_in(tmp_path)) == 3
    check_writable(path)
    assert names_in(tmp_path) == [".other.html.0123abcd.part", "report.html"]


@pytest.mark.parametrize(("mask", "expected"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664), (0o027, 0o640)])
def test_permissions_are_those_of_an_ordinary_file_from_the_first_moment(tmp_path, umask, mask, expected):
    umask(mask)
    with replacing(tmp_path / "file") as part:
        assert mode_of(part) == expected
    assert mode_of(tmp_path / "file") == expected


def test_a_private_file_stays_private(tmp_path, umask):
    umask(0o002)
    path = tmp_path / "file"
    path.touch()
    for mode in (0o600, 0o640, 0o666):
        path.chmod(mode)
        with replacing(path) as part:
            assert mode_of(part) == mode & ~0o002
        assert mode_of(path) == mode & ~0o002


def test_the_umask_is_never_changed(tmp_path, umask):
    """Files that another thread makes meanwhile have the permissions of the umask."""
    umask(0o077)
    done, modes = threading.Event(), set()

    def make_files():
        while not done.is_set():
            path = tmp_path / "other"
            path.touch()
            modes.add(mode_of(path))
            path.unlink()

    thread = threading.Thread(target=make_files)
    thread.start()
    end = time.monotonic() + 1
    while time.monotonic() < end:
        with replacing(tmp_path / "file"):
            pass
    done.set()
    thread.join()
    assert modes == {0o600}


def test_a_link_is_followed_also_to_another_file_system(tmp_path):
    there = Path("/dev/shm")
    if not there.is_dir() or there.stat().st_dev == tmp_path.stat().st_dev:
        there = tmp_path
    target = there / f"skdeepprune-test-{os.getpid()}"
    link = tmp_path / "link"
    link.symlink_to(target)
    try:
        for text in ("first", "second"):  # the link leads nowhere at first
            check_writable(link)
            with replacing(link) as part:
                part.write_text(text)
            assert link.is_symlink() and target.read_text() == text
    finally:
        target.unlink(missing_ok=True)


def test_a_file_that_cannot_be_renamed_onto_is_filled(tmp_path, monkeypatch):
    """A file that a container mounts is one: renaming onto it fails."""

    def refuse(*_):
        raise OSError(errno.EBUSY, "Device or resource busy")

    path = tmp_path / "mounted"
    path.write_text("old, and longer")
    inode = path.stat().st_ino
    monkeypatch.setattr(os, "replace", refuse)
    with replacing(path) as part:
        part.write_text("new")
    assert (path.read_text(), path.stat().st_ino) == ("new", inode)
    assert names_in(tmp_path) == ["mounted"]
    with pytest.raises(OSError, match="busy"), replacing(tmp_path / "not there"):
        pass


def test_write_errors_are_reported(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere/file")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "to folder").symlink_to("folder")
    for name, error, message in [
        ("folder", IsADirectoryError, "folder is a folder; expected the name of a file"),
        ("to folder", IsADirectoryError, "it is a link to .*folder"),
        ("missing/file", FileNotFoundError, "The folder .*missing for file does not exist"),
        ("file/file", FileNotFoundError, "The folder .*file for file does not exist"),
        ("dangling", FileNotFoundError, r"The folder .*nowhere .* does not exist \(it is a link to "),
        ("loop", OSError, "Too many levels of symbolic links"),
        ("x" * 300, OSError, "File name too long"),
    ]:
        with pytest.raises(error, match=message):
            check_writable(tmp_path / name)
    assert len(names_in(tmp_path)) == 5


def test_devices_are_written_as_they_are():
    check_writable("/dev/null")
    with replacing("/dev/null") as part:
        assert part == Path("/dev/null")
    assert Path("/dev/null").is_char_device()


def test_a_read_only_folder_is_reported(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o500)
    if os.access(folder, os.W_OK):  # root may write everywhere, but not here
        folder = Path("/proc/self")
    with pytest.raises(OSError, match="cannot be written"):
        check_writable(folder / "file")


MAKE_A_FOLDER = """
import sys, tempfile, time
tempfile.tempdir = sys.argv[1]
from skdeepprune._writing import temporary_folder
with temporary_folder() as folder:
    (folder / "sequences.fa").write_text("ACGT")
    print("there", flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no locks like that")
def test_temporary_folders_of_killed_runs_are_removed_and_those_in_use_are_not(tmp_path, monkeypatch, umask):
    umask(0o000)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    processes = []
    try:
        for _ in range(2):
            command = [sys.executable, "-c", MAKE_A_FOLDER, str(tmp_path)]
            processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            assert processes[-1].stdout.readline() == "there\n"
        assert len(names_in(tmp_path)) == 2
        processes[0].kill()
        processes[0].wait()
        (tmp_path / "skdeepprune-notes").mkdir()
        (tmp_path / "skdeepprune-notes" / "mine").touch()
        (tmp_path / "skdeepprune-begun").mkdir()
        (tmp_path / "skdeepprune-link").symlink_to("/etc")
        with temporary_folder() as folder:
            assert mode_of(folder) == 0o700
            kept = {"skdeepprune-notes", "skdeepprune-link", folder.name}
            assert len(names_in(tmp_path)) == 4 and kept < set(names_in(tmp_path))
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    with temporary_folder():
        pass
    assert names_in(tmp_path) == ["skdeepprune-link", "skdeepprune-notes"]


def test_temporary_folders_are_removed_after_an_error_and_may_be_nested(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(ZeroDivisionError), temporary_folder() as folder, temporary_folder() as other:
        assert folder != other and folder.is_dir()
        raise ZeroDivisionError
    assert names_in(tmp_path) == []
