"""Files of weights over HTTP: whole, checked, and nothing left when it goes wrong."""

import concurrent.futures
import contextlib
import hashlib
import http.server
import socket
import threading
import time

import keras
import pytest

from keras_cnnzoo.weights import DownloadError, download
from keras_cnnzoo.weights.offline import library_downloads

pytestmark = pytest.mark.once
CONTENT = bytes(range(256)) * 4000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serve CONTENT, in the way the first part of the path says."""

    daemon_threads = True

    def __init__(self):
        self.ranges, self.sent, self.breaks = [], [], 1
        self.content, self.tag = CONTENT, '"a tag"'
        #: Of what fails: how much comes before it does, and whether it has been mended.
        self.most, self.healthy = 1000, False
        super().__init__(("127.0.0.1", 0), Handler)

    def url(self, manner):
        return f"http://127.0.0.1:{self.server_port}/{manner}/weights.bin"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        manner = self.path.split("/")[1]
        asked = self.headers.get("Range")
        if self.headers.get("If-Range", self.server.tag) != self.server.tag:
            asked = None
        content = self.server.content
        self.server.ranges.append(asked)
        start = int(asked[6:-1]) if asked else 0
        if manner == "missing":
            self.send_error(404)
            return
        if manner == "fails" and start and not self.server.healthy:
            self.send_error(500)
            return
        if content and start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.end_headers()
            return
        self.server.sent.append(206 if asked else 200)
        self.send_response(self.server.sent[-1])
        self.send_header("Content-Length", str(len(content) - start))
        if self.server.tag:
            self.send_header("ETag", self.server.tag)
        self.end_headers()
        body = content[start:]
        failing = manner in ("fails", "stalls") and not self.server.healthy
        if failing:
            body = body[: self.server.most]
        if manner == "slow":
            time.sleep(0.5)
        if manner == "stalls" and failing:
            self.wfile.write(body)
            self.wfile.flush()
            time.sleep(2)
            return
        if manner == "drips":
            with contextlib.suppress(OSError):
                for i in range(100):
                    self.wfile.write(body[i : i + 1])
                    time.sleep(0.1)
            return
        if manner == "truncates":
            body = body[:0] if asked else body[:5000]
        if manner == "breaks" and self.server.breaks:
            self.server.breaks -= 1
            body = body[:5000]
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def _kept(folder):
    """List what is in a folder but its locks."""
    return [path.name for path in folder.iterdir() if path.suffix != ".lock"]


@pytest.mark.parametrize("sha256", [DIGEST, DIGEST[:8], None])
def test_a_file_is_fetched_once(server, tmp_path, sha256):
    first = download.fetch(server.url("whole"), sha256=sha256, folder=tmp_path)
    assert first.read_bytes() == CONTENT
    again = download.fetch(server.url("whole"), sha256=sha256, folder=tmp_path)
    assert again == first
    assert server.ranges == [None]
    assert _kept(tmp_path) == [first.name]


def test_the_cache_is_below_keras_home(server, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    path = download.fetch(server.url("whole"), sha256=DIGEST)
    assert path.is_relative_to(tmp_path / "home")


@pytest.mark.parametrize("manner", ["truncates", "missing", "stalls", "drips"])
def test_what_cannot_be_had_ends_in_one_error(server, tmp_path, manner, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.5)
    monkeypatch.setattr(download, "WINDOW", 1.0)
    left = "Nothing was kept" if manner == "missing" else "the next call continues"
    started = time.monotonic()
    with pytest.raises(DownloadError, match=rf"could not be downloaded.*{left}"):
        download.fetch(server.url(manner), folder=tmp_path)
    assert time.monotonic() - started < 5
    assert not [name for name in _kept(tmp_path) if name.endswith(".bin")]


@pytest.mark.parametrize("manner", ["fails", "stalls"])
def test_what_came_before_a_failure_is_not_thrown_away(
    server, tmp_path, manner, monkeypatch
):
    monkeypatch.setattr(download, "TIMEOUT", 0.3)
    server.most = 10_000
    with pytest.raises(DownloadError, match="the next call continues"):
        download.fetch(server.url(manner), folder=tmp_path)
    server.healthy = True
    path = download.fetch(server.url(manner), folder=tmp_path)
    assert path.read_bytes() == CONTENT
    assert int(server.ranges[-1][6:-1]) >= 10_000
    assert _kept(tmp_path) == [path.name]


def test_a_file_that_was_exchanged_meanwhile_is_not_pieced_together(server, tmp_path):
    server.most = 5000
    with pytest.raises(DownloadError, match="the next call continues"):
        download.fetch(server.url("fails"), folder=tmp_path)
    server.healthy, server.tag = True, '"of another file"'
    path = download.fetch(server.url("fails"), folder=tmp_path)
    assert path.read_bytes() == CONTENT
    assert server.sent[-1] == 200


def test_halves_are_not_joined_where_nothing_tells_them_to_be_of_one_file(
    server, tmp_path
):
    server.most, server.tag = 5000, None
    with pytest.raises(DownloadError):
        download.fetch(server.url("fails"), folder=tmp_path)
    server.healthy = True
    download.fetch(server.url("fails"), folder=tmp_path)
    assert server.ranges[-1] is None
    # A digest tells.
    server.healthy, url = False, server.url("fails") + "?2"
    with pytest.raises(DownloadError):
        download.fetch(url, sha256=DIGEST, folder=tmp_path)
    server.healthy = True
    assert download.fetch(url, sha256=DIGEST, folder=tmp_path).read_bytes() == CONTENT
    assert server.ranges[-1] == "bytes=5000-"


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"<!DOCTYPE html><html>sign in</html>", "a.pth", "web page"),
        (b"\n <html><body>404</body></html>", "a.bin", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "a.pth", "Git LFS"),
        (b"", "a.npz", "empty"),
        (b"PK\x03\x04 and no end", "a.npz", "cut short"),
        (b"no such thing", "a.safetensors", "does not begin"),
        (b"no such thing", "a.h5", "HDF5"),
    ],
)
def test_without_a_digest_what_is_no_weights_is_not_kept(
    server, tmp_path, content, name, said
):
    server.content = content
    url = server.url("whole").replace("weights.bin", name)
    with pytest.raises(DownloadError, match=rf"{said}.*Nothing was kept"):
        download.fetch(url, folder=tmp_path)
    assert _kept(tmp_path) == []


def test_a_damaged_copy_without_a_network_is_said_to_be_damaged(server, tmp_path):
    url = server.url("whole")
    path = download.fetch(url, sha256=DIGEST, folder=tmp_path)
    path.write_bytes(b"rot")
    server.shutdown()
    server.server_close()
    with pytest.raises(DownloadError, match=r"copy in the cache.*again failed"):
        download.fetch(url, sha256=DIGEST, folder=tmp_path)


def test_offline_nothing_is_asked_and_the_cache_is_used(server, tmp_path, monkeypatch):
    path = download.fetch(server.url("whole"), folder=tmp_path)
    monkeypatch.setenv("KERAS_CNNZOO_OFFLINE", "1")
    monkeypatch.setattr(socket, "socket", None)
    assert download.fetch(server.url("whole"), folder=tmp_path) == path
    with pytest.raises(DownloadError, match="KERAS_CNNZOO_OFFLINE is set"):
        download.fetch(server.url("other"), folder=tmp_path)


@pytest.mark.parametrize("offline", [True, False])
def test_what_a_library_fetches_by_itself_fails_in_one_error(offline, monkeypatch):
    if offline:
        monkeypatch.setenv("KERAS_CNNZOO_OFFLINE", "1")
    started = time.monotonic()
    with (
        pytest.raises(DownloadError, match="These weights could not be downloaded"),
        library_downloads("These weights"),
    ):
        keras.utils.get_file("x", "http://127.0.0.1:9/x", cache_dir="/nowhere")
    assert time.monotonic() - started < 3
    with (
        pytest.raises(ValueError, match="of another kind"),
        library_downloads("These weights"),
    ):
        raise ValueError("of another kind")


def test_no_network_is_said_within_seconds(tmp_path):
    started = time.monotonic()
    with pytest.raises(DownloadError, match="pass the path"):
        download.fetch("http://127.0.0.1:9/weights.bin", folder=tmp_path)
    assert time.monotonic() - started < 3
    assert _kept(tmp_path) == []


def test_another_file_than_expected_is_not_kept(server, tmp_path):
    wrong = "0" * 64
    with pytest.raises(DownloadError, match=rf"{DIGEST}.*{wrong} was expected"):
        download.fetch(server.url("whole"), sha256=wrong, folder=tmp_path)
    assert _kept(tmp_path) == []


def test_a_connection_that_breaks_is_taken_up(server, tmp_path):
    path = download.fetch(server.url("breaks"), sha256=DIGEST, folder=tmp_path)
    assert path.read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=5000-"]


@pytest.mark.parametrize("done", [7000, len(CONTENT)])
def test_a_killed_download_goes_on(server, tmp_path, done):
    url = server.url("whole")
    path = download.fetch(url, folder=tmp_path)
    path.with_name(f"{path.name}.part").write_bytes(CONTENT[:done])
    path.unlink()
    assert download.fetch(url, sha256=DIGEST, folder=tmp_path).read_bytes() == CONTENT
    assert server.ranges[1:] == [f"bytes={done}-"]


def test_a_damaged_copy_is_fetched_anew(server, tmp_path):
    path = download.fetch(server.url("whole"), sha256=DIGEST, folder=tmp_path)
    path.write_bytes(CONTENT[:100])
    again = download.fetch(server.url("whole"), sha256=DIGEST, folder=tmp_path)
    assert again.read_bytes() == CONTENT


def test_many_at_once_fetch_it_once(server, tmp_path):
    url = server.url("slow")
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        paths = list(pool.map(lambda _: download.fetch(url, folder=tmp_path), range(3)))
    assert len(set(paths)) == 1
    assert server.ranges == [None]


def test_only_the_web_is_asked(tmp_path):
    with pytest.raises(ValueError, match=r"https://.*file:"):
        download.fetch("file:///etc/passwd", folder=tmp_path)
