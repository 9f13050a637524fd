"""Weights to the hub and back, against a small hub on this machine.

`huggingface_hub` reads its address from the environment when it is imported, so the
client runs in a fresh process.
"""

import csv
import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hub_server import COMMIT, Hub

from keras_cnnzoo.cards import Weights
from keras_cnnzoo.registry.published import COLUMNS
from keras_cnnzoo.weights.hub import address, parse

pytestmark = pytest.mark.once

PUSH = """
import numpy as np, keras_cnnzoo
from keras_cnnzoo import build, weights
model = build("cifar_resnet20", classes=3, input_shape=(16, 16, 3))
x = np.full((1, 16, 16, 3), 100.0)
print(weights.push_to_hub(model, "me/net", license="mit"))
twin = build("cifar_resnet20", classes=3, input_shape=(16, 16, 3),
             weights="hf://me/net")
assert np.array_equal(model.predict(x, verbose=0), twin.predict(x, verbose=0))
"""
FETCH = """
from keras_cnnzoo.weights import DownloadError, hub
try:
    print("got", hub.fetch("{address}", sha256={sha256!r}))
except DownloadError as error:
    print("error", str(error).replace(chr(10), " "))
"""
#: A file of weights with nothing in it but a header.
SOUND = (1000).to_bytes(8, "little") + b"{}".ljust(1000)
DIGEST = hashlib.sha256(SOUND).hexdigest()


@pytest.fixture
def hub():
    with Hub() as hub:
        threading.Thread(target=hub.serve_forever, daemon=True).start()
        yield hub
        hub.shutdown()


@pytest.fixture
def client(hub, tmp_path):
    """A function that runs a script in a process that knows no other hub."""
    environment = os.environ | {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_TOKEN": "hf_of_nobody",
    }

    def run(script):
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().splitlines()[-1]

    return run


def _fetch(address, sha256=None):
    return FETCH.format(address=address, sha256=sha256)


def _blobs(tmp_path):
    return [path for path in Path(tmp_path, "hf").rglob("blobs/*") if path.is_file()]


def test_pushed_weights_come_back(hub, client):
    assert client(PUSH) == "hf://me/net"
    files = hub.files["me/net"]
    text = files["README.md"].decode()
    assert "license: mit" in text
    assert 'build("cifar_resnet20"' in text.replace("'", '"')
    assert "classes=3" in text


def test_what_the_hub_damages_is_not_kept(hub, client, tmp_path):
    hub.files["me/net"] = {"model.safetensors": SOUND}
    hub.damage = True
    answer = client(_fetch("hf://me/net"))
    assert answer.startswith("error")
    assert "damaged" in answer
    assert _blobs(tmp_path) == []
    hub.damage = False
    assert client(_fetch("hf://me/net")).startswith("got")


def test_a_repository_that_is_not_there_is_named(client):
    answer = client(_fetch("hf://me/nothing"))
    assert answer.startswith("error")
    assert "hf://me/nothing" in answer


def test_a_fetched_file_needs_no_network_any_more(hub, client):
    hub.files["me/net"] = {"model.safetensors": SOUND}
    assert client(_fetch("hf://me/net")).startswith("got")
    hub.shutdown()
    hub.server_close()
    assert client(_fetch("hf://me/net")).startswith("got")


def test_a_digest_that_is_stated_is_checked(hub, client, tmp_path):
    hub.files["me/net"] = {"model.safetensors": SOUND}
    assert client(_fetch("hf://me/net", DIGEST[:8])).startswith("got")
    answer = client(_fetch("hf://me/net", "0" * 64))
    assert answer.startswith("error")
    assert f"{DIGEST}, but {'0' * 64} was expected" in answer
    assert _blobs(tmp_path) == []


def test_what_is_no_weights_is_not_kept(hub, client, tmp_path):
    hub.files["me/net"] = {"model.safetensors": b"<!doctype html><html></html>"}
    answer = client(_fetch("hf://me/net"))
    assert answer.startswith("error")
    assert "web page" in answer
    assert _blobs(tmp_path) == []


OFFLINE = """
import os, socket
os.environ["{switch}"] = "1"

def refuse(*args, **kwargs):
    raise AssertionError("a socket was opened")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
"""


@pytest.mark.parametrize("switch", ["KERAS_CNNZOO_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_no_socket_is_opened(hub, client, switch):
    hub.files["me/net"] = {"model.safetensors": SOUND}
    offline = OFFLINE.format(switch=switch)
    answer = client(offline + _fetch("hf://me/net"))
    assert answer.startswith("error")
    assert switch in answer
    assert client(_fetch("hf://me/net")).startswith("got")
    assert client(offline + _fetch("hf://me/net")).startswith("got")


def test_rows_are_pinned_to_what_the_hub_has(hub, client, tmp_path):
    hub.files["me/net"] = {"model.safetensors": SOUND}
    table = tmp_path / "published.csv"
    row = dict.fromkeys(COLUMNS, "") | {"model": "lenet5", "hub": "me/net"}
    other = row | {"hub": "", "sha256": "0123", "model": "vgg11"}
    kept = row | {"revision": "b" * 40, "hub_sha256": "1" * 64}
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows([row, other, kept])
    script = Path(__file__).parents[1] / "references" / "pin_published.py"
    client(
        f"import runpy, pathlib\nfound = runpy.run_path({str(script)!r})\n"
        f"print(found['pin'](pathlib.Path({str(table)!r})))"
    )
    with table.open(newline="") as file:
        found = list(csv.DictReader(file))
    assert found[0] == row | {"revision": COMMIT, "hub_sha256": DIGEST}
    assert found[1:] == [other, kept]


def test_a_pinned_row_asks_for_its_revision():
    about = {"tag": "a/b", "source": "a", "url": "https://a", "license": "MIT"}
    row = Weights(**about, hub="me/net", revision="b" * 40)
    assert address(row) == f"hf://me/net@{'b' * 40}"
    assert "pinned to revision bbbb" in row.checked
    assert "not pinned" in Weights(**about, hub="me/net").checked
    assert "only 32 bits" in Weights(**about, sha256="01234567").checked
    assert "its SHA-256 is stated" in Weights(**about, sha256="0" * 64).checked


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ("hf://timm/resnet18.a1_in1k", ("timm/resnet18.a1_in1k", None, None)),
        ("hf://me/net@v2/sub/a.pth", ("me/net", "sub/a.pth", "v2")),
    ],
)
def test_addresses_name_repository_file_and_revision(given, parts):
    repository, file, revision = parts
    assert parse(given) == (repository, file or "model.safetensors", revision)


@pytest.mark.parametrize("given", ["hf://me", "hf:///net", "hf://"])
def test_an_address_without_repository_is_refused(given):
    with pytest.raises(ValueError, match="hf://owner/repo"):
        parse(given)
