"""The fetchers against a web server on this machine that breaks off, forgets and refuses on demand."""

import gzip
import hashlib
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from urllib.parse import unquote

import numpy as np
import pytest

from skdeepprune.datasets import fetch_deepbind, fetch_zeng, list_datasets, load_deepbind, load_zeng
from skdeepprune.datasets._download import _CHUNK_BYTES as CHUNK

pytest.importorskip("pooch", reason="downloads need pooch")

NAME = "wgEncodeAwgTfbsBroadDnd41CtcfUniPk"
DEEPBIND_NAME = "ARID3A_HepG2_ARID3A_(NB100-279)_Stanford"
ARCHIVE = "nbtcode/nbt3300-supplementary-software.zip"


class Handler(BaseHTTPRequestHandler):
    """Serves a folder as Apache would, and notes every request: path, what range was asked for, status."""

    def do_GET(self):
        server = self.server
        path = Path(server.folder, unquote(self.path).lstrip("/"))
        range_asked = self.headers.get("Range")
        if server.refuses:
            self.answer(server.refuses.pop(0), b"")
        elif not path.is_file():
            self.answer(404, b"no such file")
        else:
            content = path.read_bytes()
            etag = f'{server.etag_prefix}"{hashlib.md5(content).hexdigest()}"'
            versions = {"ETag": etag, "Last-Modified": formatdate(path.stat().st_mtime, usegmt=True)}
            headers = {key: versions[key] for key in server.versions}
            if range_asked and server.knows_ranges and self.headers["If-Range"] in headers.values():
                start = int(range_asked.removeprefix("bytes=").removesuffix("-"))
                if start >= len(content):
                    self.answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
                else:
                    headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
                    self.answer(206, content[start:], headers)
            else:
                self.answer(200, content, headers)

    def answer(self, status, body, headers=()):
        server = self.server
        server.requests.append((self.path, self.headers.get("Range"), status))
        self.send_response(status)
        for key, value in dict(headers).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = server.cuts.pop(0) if server.cuts and body else None
        self.wfile.write(body[:cut])

    def log_message(self, *_):
        pass


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server(tmp_path):
    """A running server of the folder `served`; what it shall do is set as attributes."""
    folder = tmp_path / "served"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.folder, server.requests, server.cuts, server.refuses = folder, [], [], []
    server.knows_ranges, server.versions, server.etag_prefix = True, ("ETag", "Last-Modified"), ""
    server.url = f"http://127.0.0.1:{server.server_port}/"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def zeng(server, rng):
    """Put a set on the server in the format of the 690."""
    folder = server.folder / NAME
    folder.mkdir()
    for part, n in (("train", 300), ("test", 20)):
        lines = []
        for i in range(n):
            sequence = "".join(rng.choice(list("ACGT"), 101))
            lines.append(f">chr1:{i}-{i + 100} {sequence} 1\n>chr1:{i}-{i + 100}_shuf {sequence[::-1]} 0\n")
        (folder / f"{part}.data").write_text("".join(lines))
    return folder


@pytest.fixture
def fetch(server, home):
    return partial(fetch_zeng, NAME, data_home=home, base_url=server.url, delay=0.01)


def local_copy(zeng, folder):
    folder.mkdir()
    for part in ("train", "test"):
        (folder / f"{NAME}.{part}.data").write_bytes((zeng / f"{part}.data").read_bytes())
    return load_zeng(folder, NAME)


def assert_same(actual, expected):
    for field in ("X_train", "y_train", "X_test", "y_test"):
        np.testing.assert_array_equal(getattr(actual, field), getattr(expected, field))
    assert actual.name == expected.name


def test_a_set_is_downloaded_once_and_read_as_from_a_local_folder(server, zeng, fetch, home, tmp_path):
    expected = local_copy(zeng, tmp_path / "local")
    assert len(expected.X_train) == 600
    assert_same(fetch(), expected)
    assert server.requests == [(f"/{NAME}/train.data", None, 200), (f"/{NAME}/test.data", None, 200)]
    assert_same(fetch(), expected)
    assert_same(fetch(download_if_missing=False), expected)
    assert len(server.requests) == 2
    assert list_datasets(home)["zeng"] == [NAME]
    names = {path.name for path in (home / "zeng").iterdir()} - {".lock"}
    assert names == {f"{NAME}.{part}.data{end}" for part in ("train", "test") for end in ("", ".sha256")}


def test_the_cache_needs_neither_network_nor_pooch(server, zeng, fetch, home):
    fetch()
    code = (
        "import sys; sys.modules['pooch'] = None; from skdeepprune.datasets import fetch_zeng\n"
        f"print(len(fetch_zeng({NAME!r}, data_home={str(home)!r}, base_url='http://127.0.0.1:9/').X_test))\n"
        f"try: fetch_zeng('other', data_home={str(home)!r}, base_url='http://127.0.0.1:9/')\n"
        "except ImportError as error: print(error)\n"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.startswith("40\n")
    assert "pip install skdeepprune[fetch]" in output


def test_the_sums_beside_the_files_are_those_of_sha256sum(zeng, fetch, home):
    fetch()
    digest = hashlib.sha256((zeng / "train.data").read_bytes()).hexdigest()
    assert (home / f"zeng/{NAME}.train.data.sha256").read_text() == f"{digest}  {NAME}.train.data\n"


@pytest.mark.parametrize("versions", [("ETag", "Last-Modified"), ("ETag",), ("Last-Modified",)], ids="+".join)
def test_a_cut_download_goes_on_where_it_stopped(server, zeng, fetch, tmp_path, versions):
    server.cuts, server.versions = [2 * CHUNK, CHUNK + 100], versions
    assert_same(fetch(), local_copy(zeng, tmp_path / "local"))
    assert [request[1:] for request in server.requests] == [
        (None, 200),
        (f"bytes={2 * CHUNK}-", 206),
        (f"bytes={3 * CHUNK}-", 206),
        (None, 200),
    ]


def test_a_later_call_goes_on_where_an_earlier_one_gave_up(server, zeng, fetch, home, tmp_path):
    server.cuts = [CHUNK]
    with pytest.raises(ConnectionError, match="n_retries=0"):
        fetch(n_retries=0)
    assert not (home / f"zeng/{NAME}.train.data").exists()
    assert_same(fetch(), local_copy(zeng, tmp_path / "local"))
    assert server.requests[1] == (f"/{NAME}/train.data", f"bytes={CHUNK}-", 206)


@pytest.mark.parametrize("lacks", ["ranges", "versions", "strong versions"])
def test_a_server_that_cannot_continue_sends_all_again(server, zeng, fetch, tmp_path, lacks):
    server.cuts = [CHUNK]
    if lacks == "ranges":
        server.knows_ranges = False
    elif lacks == "versions":
        server.versions = ()
    else:
        server.versions, server.etag_prefix = ("ETag",), "W/"
    assert_same(fetch(), local_copy(zeng, tmp_path / "local"))
    assert [status for _, _, status in server.requests] == [200, 200, 200]


def test_parts_of_two_versions_are_not_put_together(server, zeng, fetch, tmp_path):
    server.cuts = [CHUNK]
    with pytest.raises(ConnectionError):
        fetch(n_retries=0)
    train = zeng / "train.data"
    train.write_text(train.read_text().replace("A", "C"))
    assert_same(fetch(), local_copy(zeng, tmp_path / "local"))
    assert server.requests[1] == (f"/{NAME}/train.data", f"bytes={CHUNK}-", 200)


def test_a_complete_partial_download_is_accepted(server, zeng, fetch, home, tmp_path):
    server.cuts = [CHUNK]
    with pytest.raises(ConnectionError):
        fetch(n_retries=0)
    (home / f"zeng/{NAME}.train.data.part").write_bytes((zeng / "train.data").read_bytes())
    assert_same(fetch(n_retries=0), local_copy(zeng, tmp_path / "local"))
    assert [status for _, _, status in server.requests] == [200, 416, 200, 200]


def test_the_number_of_tries_is_bounded_and_no_half_file_is_left(server, zeng, fetch, home):
    server.cuts = [10] * 20
    with pytest.raises(ConnectionError, match=r"n_retries=2.*yourself.*load_zeng") as caught:
        fetch(n_retries=2)
    assert f"{server.url}{NAME}/train.data" in str(caught.value)
    assert str(home / "zeng" / f"{NAME}.train.data") in str(caught.value)
    assert len(server.requests) == 3
    assert not list(home.glob("zeng/*.data"))


def test_a_server_in_trouble_is_asked_again(server, zeng, fetch):
    server.refuses = [503, 500]
    assert len(fetch().X_test) == 40
    assert [status for _, _, status in server.requests] == [503, 500, 200, 200]


def test_an_unknown_set_is_named_and_not_asked_for_twice(server, zeng, home):
    with pytest.raises(FileNotFoundError, match=r"404.*'wgEncodeNone'.*lists them"):
        fetch_zeng("wgEncodeNone", data_home=home, base_url=server.url)
    assert len(server.requests) == 1


def test_offline_errors_list_the_attempts_and_alternatives(home):
    url = "http://127.0.0.1:9"  # nothing listens to the port "discard"
    with pytest.raises(ConnectionError, match=rf"{url}/{NAME}/train.data .*n_retries=1.*yourself.*load_zeng"):
        fetch_zeng(NAME, data_home=home, base_url=url, n_retries=1, delay=0)


def test_without_permission_nothing_is_downloaded(server, zeng, fetch):
    with pytest.raises(FileNotFoundError, match=r"train.data is missing.*download_if_missing=False.*yourself"):
        fetch(download_if_missing=False)
    assert server.requests == []


def test_files_put_there_by_hand_are_taken(server, zeng, fetch, home):
    home.mkdir()
    expected = local_copy(zeng, home / "zeng")
    assert_same(fetch(), expected)
    assert server.requests == []


def test_a_known_checksum_is_insisted_on(server, zeng, fetch, home):
    right = {
        f"{NAME}/train.data": hashlib.sha256((zeng / "train.data").read_bytes()).hexdigest().upper(),
        f"{NAME}/test.data": "md5:" + hashlib.md5((zeng / "test.data").read_bytes()).hexdigest(),
    }
    wrong = right | {f"{NAME}/train.data": "0" * 64}
    with pytest.raises(ValueError, match=r"train.data is not the expected file.*`checksums`"):
        fetch(checksums=wrong)
    assert not list(home.glob("zeng/*.data*"))
    fetch(checksums=right)
    with pytest.warns(UserWarning, match="checksum 0000"), pytest.raises(ValueError, match="not the expected file"):
        fetch(checksums=wrong)
    assert (home / f"zeng/{NAME}.train.data").read_bytes() == (zeng / "train.data").read_bytes()


def test_a_damaged_file_is_noticed_and_replaced(zeng, fetch, home):
    expected = fetch()
    path = home / f"zeng/{NAME}.train.data"
    path.write_text(path.read_text().replace("A", "C", 1))
    with pytest.raises(FileNotFoundError, match="has changed since it was downloaded"):
        fetch(download_if_missing=False)
    with pytest.warns(UserWarning, match="downloading it again"):
        assert_same(fetch(), expected)


def test_a_file_that_changed_on_the_server_does_not_slip_in(zeng, fetch, home):
    fetch()
    (zeng / "train.data").write_text(">chr1:0-4 ACGT 1\n")
    fetch()
    (home / f"zeng/{NAME}.train.data").unlink()
    with pytest.raises(ValueError, match=r"not the expected file.*delete .*train.data.sha256"):
        fetch()
    (home / f"zeng/{NAME}.train.data.sha256").unlink()
    assert fetch().X_train.tolist() == ["ACGT"]


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".lock", "a\\b"])
@pytest.mark.parametrize("fetcher", [fetch_zeng, fetch_deepbind])
def test_a_name_is_not_a_path(fetcher, name, home):
    with pytest.raises(ValueError, match="name of a data set"):
        fetcher(name, data_home=home)


def test_jobs_at_once_download_once(server, zeng, fetch):
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(fetch) for _ in range(8)]
        assert [len(job.result().X_train) for job in jobs] == [600] * 8
    assert len(server.requests) == 2


# DeepBind: one archive with all sets


@pytest.fixture
def deepbind(server, rng):
    """Put an archive with two sets on the server, as DeepBind's is laid out; return the files of one."""
    files = {}
    for name in (DEEPBIND_NAME, "SRF_H1-hESC_SRF_HudsonAlpha"):
        for part, bound in (("AC", [1] * 30), ("B", [1, 0] * 10)):
            rows = [f"A\tseq_{i}\t{''.join(rng.choice(list('ACGT'), 101))}\t{b}\n" for i, b in enumerate(bound)]
            text = "FoldID\tEventID\tseq\tBound\n" + "".join(rows)
            files[f"{name}_{part}.seq.gz"] = gzip.compress(text.encode())
    path = server.folder / ARCHIVE
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("nbt3300-code/README.txt", "code and data" * 1000)
        for file, content in files.items():
            archive.writestr(f"nbt3300-code/data/encode/{file}", content)
    return {file: content for file, content in files.items() if DEEPBIND_NAME in file}


def test_deepbind_comes_out_of_its_archive(server, deepbind, home, tmp_path):
    fetch = partial(fetch_deepbind, DEEPBIND_NAME, data_home=home, base_url=server.url, random_state=0)
    local = tmp_path / "local"
    local.mkdir()
    for file, content in deepbind.items():
        (local / file).write_bytes(content)
    assert_same(fetch(n_positives=7), load_deepbind(local, DEEPBIND_NAME, n_positives=7, random_state=0))
    assert server.requests == [(f"/{ARCHIVE}", None, 200)]
    other = fetch_deepbind("SRF_H1-hESC_SRF_HudsonAlpha", data_home=home, download_if_missing=False)
    assert len(other.X_train) == 60
    (home / "deepbind" / Path(ARCHIVE).name).unlink()
    assert_same(fetch(download_if_missing=False), load_deepbind(local, DEEPBIND_NAME, random_state=0))
    assert len(server.requests) == 1


def test_a_cut_archive_goes_on_where_it_stopped(server, deepbind, home):
    server.cuts = [CHUNK]
    fetch_deepbind(DEEPBIND_NAME, data_home=home, base_url=server.url, delay=0)
    assert [request[1:] for request in server.requests] == [(None, 200), (f"bytes={CHUNK}-", 206)]


def test_a_damaged_deepbind_file_is_taken_out_again(server, deepbind, home):
    fetch = partial(fetch_deepbind, DEEPBIND_NAME, data_home=home, base_url=server.url, random_state=0)
    expected = fetch()
    file, content = next(iter(deepbind.items()))
    (home / "deepbind" / file).write_bytes(content[:-9])
    assert_same(fetch(download_if_missing=False), expected)


def test_an_archive_without_the_set_names_near_ones(server, deepbind, home):
    with pytest.raises(ValueError, match=r"no SRF_H1_SRF_AC.seq.gz. It has 2 data sets, such as 'SRF_H1-hESC_SRF"):
        fetch_deepbind("SRF_H1_SRF", data_home=home, base_url=server.url)


def test_another_archive_can_be_named(server, deepbind, home):
    (server.folder / ARCHIVE).rename(server.folder / "full data.zip")
    with pytest.raises(FileNotFoundError, match=r"404.*as `archive`.*load_deepbind"):
        fetch_deepbind(DEEPBIND_NAME, data_home=home, base_url=server.url)
    checksums = {"full data.zip": hashlib.sha256((server.folder / "full data.zip").read_bytes()).hexdigest()}
    fetch = partial(fetch_deepbind, DEEPBIND_NAME, data_home=home, base_url=server.url, archive="full data.zip")
    with pytest.raises(ValueError, match="not the expected file"):
        fetch(checksums={"full data.zip": "0" * 64})
    assert len(fetch(checksums=checksums).X_train) == 60


def test_a_page_instead_of_the_archive_is_not_a_zip_file(server, home):
    (server.folder / "nbtcode").mkdir()
    (server.folder / ARCHIVE).write_text("<html>Please log in to this network</html>")
    with pytest.raises(ValueError, match=r"unexpected content: .* not an intact zip file"):
        fetch_deepbind(DEEPBIND_NAME, data_home=home, base_url=server.url)
    assert {path.name for path in (home / "deepbind").iterdir()} <= {".lock"}


@pytest.mark.parametrize(
    "body",
    [b"<html><body>Moved for maintenance</body></html>", b"", b">chr1:1-9 ACGT", b">chr1:1-9 ACGT 7\n", b"\x1f\x8b"],
)
def test_another_answer_of_the_server_is_not_kept(server, zeng, fetch, home, body):
    right = (zeng / "train.data").read_bytes()
    (zeng / "train.data").write_bytes(body)
    with pytest.raises(ValueError, match="returned unexpected content"):
        fetch()
    assert {path.name for path in (home / "zeng").iterdir()} <= {".lock"}
    (zeng / "train.data").write_bytes(right)
    assert len(fetch().X_train) == 600


@pytest.mark.parametrize("content", ["", "\n", "no sum  file\n", "\udcff"])
def test_an_empty_or_odd_checksum_file_is_reported(server, zeng, fetch, home, content):
    fetch()
    path = home / "zeng" / f"{NAME}.train.data.sha256"
    path.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(ValueError, match="does not contain a SHA-256; delete it to accept"):
        fetch()
    path.unlink()
    fetch(download_if_missing=False)


def test_a_server_that_drips_is_given_up(server, zeng, fetch, home, monkeypatch):
    monkeypatch.setattr("skdeepprune.datasets._download._STALL_SECONDS", 0.5)
    stop = Event()

    def drip(handler, status, body, headers=()):
        handler.wfile.write(b"HTTP/1.0 200 OK\r\n")
        while not stop.wait(0.05):  # a header without end; each byte within any timeout
            handler.wfile.write(b"x")

    monkeypatch.setattr(Handler, "answer", drip)
    start = time.monotonic()
    try:
        with pytest.raises(ConnectionError, match="less than 65,536 bytes in 0.5 seconds"):
            fetch(n_retries=1)
        assert time.monotonic() - start < 10
    finally:
        stop.set()
    assert not list((home / "zeng").glob("*.data"))


def test_a_body_that_drips_is_given_up(server, zeng, fetch, home, monkeypatch):
    monkeypatch.setattr("skdeepprune.datasets._download._STALL_SECONDS", 0.5)
    stop = Event()

    def drip(handler, status, body, headers=()):
        handler.send_response(200)
        handler.end_headers()
        while not stop.wait(0.05):  # 2 kB a second, each within any timeout
            handler.wfile.write(b"x" * 100)

    monkeypatch.setattr(Handler, "answer", drip)
    start = time.monotonic()
    try:
        with pytest.raises(ConnectionError, match="less than 65,536 bytes in 0.5 seconds"):
            fetch(n_retries=1)
        assert time.monotonic() - start < 10
    finally:
        stop.set()


@pytest.mark.parametrize("kept", [0.5, 0.999])
def test_a_cut_body_of_unknown_length_is_not_kept(server, zeng, deepbind, fetch, home, monkeypatch, kept):
    """HTTP/1.0 ends a body of unknown length by closing the connection, as a broken one does."""

    def cut(handler, status, body, headers=()):
        handler.send_response(200)
        handler.end_headers()
        body = body[: int(kept * len(body))]
        handler.wfile.write(body[:-1] if body.endswith(b"\n") else body)

    monkeypatch.setattr(Handler, "answer", cut)
    with pytest.raises(ValueError, match="returned unexpected content"):
        fetch(n_retries=1)
    with pytest.raises(ValueError, match="it is not an intact zip file"):
        fetch_deepbind(DEEPBIND_NAME, data_home=home, base_url=server.url, delay=0.01)
    left = [path for path in home.rglob("*") if path.is_file()]
    assert {path.name for path in left} <= {".lock"}


def test_leftovers_of_killed_downloads_are_removed(server, zeng, fetch, home):
    folder = home / "zeng"
    folder.mkdir(parents=True)
    for name in ("tmpab12_xyz", "tmpnotes.txt", "tmpfull0000"):
        (folder / name).write_text("" if name != "tmpfull0000" else "x")
    fetch()
    assert sorted(path.name for path in folder.glob("tmp*")) == ["tmpfull0000", "tmpnotes.txt"]


def archive_of(deepbind_server, **changes):
    """The server's archive, with the bytes changed that state how an entry is stored."""
    path = deepbind_server.folder / ARCHIVE
    content = bytearray(path.read_bytes())
    for at, value in ((8, changes.get("flag")), (10, changes.get("method"))):
        position = content.find(b"PK\x01\x02")
        while value is not None and position >= 0:
            content[position + at] = value
            position = content.find(b"PK\x01\x02", position + 4)
        position = content.find(b"PK\x03\x04")
        while value is not None and position >= 0:
            content[position + at - 2] = value
            position = content.find(b"PK\x03\x04", position + 4)
    path.write_bytes(content)


@pytest.mark.parametrize("changes", [{"flag": 1}, {"method": 97}, {"method": 14}, {"method": 12}])
def test_an_encrypted_or_exotic_archive_is_reported(server, deepbind, home, changes):
    archive_of(server, **changes)
    with pytest.raises(ValueError, match="cannot be unpacked"):
        fetch_deepbind(DEEPBIND_NAME, data_home=home, base_url=server.url, delay=0.01)
    assert not list((home / "deepbind").glob("*.seq.gz*"))


def test_an_archive_that_would_fill_the_disk_is_refused(server, deepbind, home, monkeypatch):
    monkeypatch.setattr("skdeepprune.datasets._fetch._MAX_MEMBER_BYTES", 10)
    with pytest.raises(ValueError, match="expected at most 10"):
        fetch_deepbind(DEEPBIND_NAME, data_home=home, base_url=server.url, delay=0.01)
    assert not list((home / "deepbind").glob("*.seq.gz*"))
