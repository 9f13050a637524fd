"""Weights to the hub and back, against a small hub on this machine.

`huggingface_hub` reads its address from the environment when it is imported, so the
client runs in a fresh process.
"""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hub_server import Hub

from keras_cnnzoo.weights.hub import parse

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
    print("got", hub.fetch("{address}"))
except DownloadError as error:
    print("error", error)
"""


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
    hub.files["me/net"] = {"model.safetensors": bytes(range(256)) * 40}
    hub.damage = True
    answer = client(FETCH.format(address="hf://me/net"))
    assert answer.startswith("error")
    assert "damaged" in answer
    assert _blobs(tmp_path) == []
    hub.damage = False
    assert client(FETCH.format(address="hf://me/net")).startswith("got")


def test_a_repository_that_is_not_there_is_named(client):
    answer = client(FETCH.format(address="hf://me/nothing"))
    assert answer.startswith("error")
    assert "hf://me/nothing" in answer


def test_a_fetched_file_needs_no_network_any_more(hub, client):
    hub.files["me/net"] = {"model.safetensors": b"whole"}
    assert client(FETCH.format(address="hf://me/net")).startswith("got")
    hub.shutdown()
    hub.server_close()
    assert client(FETCH.format(address="hf://me/net")).startswith("got")


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("hf://timm/resnet18.a1_in1k", ("timm/resnet18.a1_in1k", None, None)),
        ("hf://me/net@v2/sub/a.pth", ("me/net", "sub/a.pth", "v2")),
    ],
)
def test_addresses_name_repository_file_and_revision(address, parts):
    repository, file, revision = parts
    assert parse(address) == (repository, file or "model.safetensors", revision)


@pytest.mark.parametrize("address", ["hf://me", "hf:///net", "hf://"])
def test_an_address_without_repository_is_refused(address):
    with pytest.raises(ValueError, match="hf://owner/repo"):
        parse(address)
