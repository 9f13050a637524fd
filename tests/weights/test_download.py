"""Files of weights over HTTP: whole, checked, and nothing left when it goes wrong."""

import concurrent.futures
import contextlib
import hashlib
import http.server
import threading
import time

import pytest

from keras_cnnzoo.weights import DownloadError, download

pytestmark = pytest.mark.once
CONTENT = bytes(range(256)) * 4000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serve CONTENT, in the way the first part of the path says."""

    daemon_threads = True

    def __init__(self):
        self.ranges, self.breaks = [], 1
        super().__init__(("127.0.0.1", 0), Handler)

    def url(self, manner):
        return f"http://127.0.0.1:{self.server_port}/{manner}/weights.bin"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        manner = self.path.split("/")[1]
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        start = int(asked[6:-1]) if asked else 0
        if manner == "missing":
            self.send_error(404)
            return
        if start >= len(CONTENT):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(CONTENT)}")
            self.end_headers()
            return
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        body = CONTENT[start:]
        if manner == "slow":
            time.sleep(0.5)
        if manner == "stalls":
            self.wfile.write(body[:1000])
            self.wfile.flush()
            time.sleep(5)
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


@pytest.mark.parametrize("manner", ["truncates", "missing", "stalls"])
def test_what_cannot_be_had_ends_in_one_error(server, tmp_path, manner, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.5)
    with pytest.raises(DownloadError, match=r"could not be fetched.*Nothing was kept"):
        download.fetch(server.url(manner), folder=tmp_path)
    assert _kept(tmp_path) == []


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
