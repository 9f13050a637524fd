"""Weights to the hub and back, against a small hub on this machine."""

import csv
import hashlib
import runpy
import socket
import threading
from pathlib import Path

import numpy as np
import pytest
from hub_server import COMMIT, Hub
from huggingface_hub import constants

from keras_cnnzoo import build, weights
from keras_cnnzoo.cards import Weights
from keras_cnnzoo.registry.published import COLUMNS
from keras_cnnzoo.weights import DownloadError
from keras_cnnzoo.weights.hub import address, fetch, parse

pytestmark = pytest.mark.once
#: A file of weights with nothing in it but a header.
SOUND = (1000).to_bytes(8, "little") + b"{}".ljust(1000)
DIGEST = hashlib.sha256(SOUND).hexdigest()


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with Hub() as hub:
        threading.Thread(target=hub.serve_forever, daemon=True).start()
        # The client reads these from the environment when it is imported.
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
        monkeypatch.setenv("HF_TOKEN", "hf_of_nobody")
        yield hub
        hub.shutdown()


def _blobs(tmp_path):
    return [path for path in Path(tmp_path, "hf").rglob("blobs/*") if path.is_file()]


def test_pushed_weights_come_back(hub):
    options = {"classes": 3, "input_shape": (16, 16, 3), "classifier_activation": None}
    model = build("cifar_resnet20", **options)
    model.name = "mine"
    pushed = weights.push_to_hub(model, "me/net", license="mit")
    assert pushed == "hf://me/net"
    twin = build("cifar_resnet20", weights=pushed, **options)
    x = np.full((1, 16, 16, 3), 100.0)
    np.testing.assert_array_equal(
        model.predict(x, verbose=0), twin.predict(x, verbose=0)
    )
    text = hub.files["me/net"]["README.md"].decode()
    assert "license: mit" in text
    assert 'build("cifar_resnet20"' in text.replace("'", '"')
    assert "input_shape=(16, 16, 3), classes=3, classifier_activation=None" in text


def test_what_is_not_of_the_zoo_is_not_pushed(hub):
    import keras

    with pytest.raises(ValueError, match="was not made by"):
        weights.push_to_hub(keras.Sequential([keras.Input((2,))]), "me/net")
    assert hub.files == {}


def test_what_the_hub_damages_is_not_kept(hub, tmp_path):
    hub.files["me/net"] = {"model.safetensors": SOUND}
    hub.damage = True
    with pytest.raises(DownloadError, match="damaged"):
        fetch("hf://me/net")
    assert _blobs(tmp_path) == []
    hub.damage = False
    assert fetch("hf://me/net").read_bytes() == SOUND


def test_a_repository_that_is_not_there_is_named(hub):
    with pytest.raises(DownloadError, match="hf://me/nothing"):
        fetch("hf://me/nothing")


def test_a_fetched_file_needs_no_network_any_more(hub):
    hub.files["me/net"] = {"model.safetensors": SOUND}
    first = fetch("hf://me/net")
    hub.shutdown()
    hub.server_close()
    assert fetch("hf://me/net") == first


def test_a_digest_that_is_stated_is_checked(hub, tmp_path):
    hub.files["me/net"] = {"model.safetensors": SOUND}
    fetch("hf://me/net", sha256=DIGEST[:8])
    said = f"{DIGEST}, but {'0' * 64} was expected"
    with pytest.raises(DownloadError, match=said):
        fetch("hf://me/net", sha256="0" * 64)
    assert _blobs(tmp_path) == []


def test_what_is_no_weights_is_not_kept(hub, tmp_path):
    hub.files["me/net"] = {"model.safetensors": b"<!doctype html><html></html>"}
    with pytest.raises(DownloadError, match="web page"):
        fetch("hf://me/net")
    assert _blobs(tmp_path) == []


@pytest.mark.parametrize("switch", ["KERAS_CNNZOO_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_no_socket_is_opened_and_the_cache_is_used(hub, switch, monkeypatch):
    hub.files["me/net"] = hub.files["me/other"] = {"model.safetensors": SOUND}
    first = fetch("hf://me/net")

    def refuse(*args, **kwargs):
        raise AssertionError("a socket was opened")

    monkeypatch.setenv(switch, "1")
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert fetch("hf://me/net") == first
    with pytest.raises(DownloadError, match=switch):
        fetch("hf://me/other")


def test_rows_are_pinned_to_what_the_hub_has(hub, tmp_path):
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
    assert runpy.run_path(str(script))["pin"](table) == 0
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
