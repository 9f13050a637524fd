"""The cards of all models in a file, so that they can be listed without Keras.

In the repository, `cnnzoo list --record keras_cnnzoo/catalogue.json` writes the file.
The file does not cover plugins, a Keras with other backbones, or "channels_first"; in
these cases the registry is used instead.
"""

import hashlib
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_cnnzoo import plugins
from keras_cnnzoo.installed import keras_config

FILE = Path(__file__).with_name("catalogue.json")
#: The data of one model: the fields of its card, `params`, `macs`, `stages`, and in
#: `verified` the implementation with which its outputs agree.
Entry = dict[str, Any]


def read() -> dict[str, Entry] | None:
    """Return the data of each model by name, or None if the registry must be used."""
    order = keras_config().get("image_data_format", "channels_last")
    if plugins.points() or order != "channels_last" or not FILE.exists():
        return None
    kept = json.loads(FILE.read_text("utf-8"))
    if kept["keras.applications"] != backbones():
        return None
    models: dict[str, Entry] = kept["models"]
    return models


def recorded() -> dict[str, Entry]:
    """Return the file's data, even if the installed Keras or plugins differ."""
    if not FILE.exists():
        return {}
    models: dict[str, Entry] = json.loads(FILE.read_text("utf-8"))["models"]
    return models


def write(path: Path, models: Mapping[str, Entry]) -> None:
    """Write a catalogue, one model per line."""
    from keras_cnnzoo.files import replacing  # needs Keras; `read` does not

    lines = (f"{json.dumps(n)}: {json.dumps(model)}" for n, model in models.items())
    text = (
        f'{{"keras.applications": {json.dumps(backbones())}, "models": {{\n'
        + ",\n".join(lines)
        + "\n}}\n"
    )
    with replacing(path) as partial:
        partial.write_text(text, "utf-8")


def best_top1(entry: Mapping[str, Any]) -> float | None:
    """Return the best claimed top-1 accuracy of a model on ImageNet, in %."""
    found = []
    for claim in (
        *entry["claims"],
        *(c for w in entry["weights"] for c in w["claims"]),
    ):
        if "ImageNet" in claim["metric"] and "top-1" in claim["metric"]:
            error = "error" in claim["metric"]
            found.append(100 - claim["value"] if error else claim["value"])
    return round(max(found), 3) if found else None


def backbones() -> str:
    """Return a digest of the list of the installed Keras's backbones."""
    found = importlib.util.find_spec("keras")
    if found is None or found.origin is None:
        return "none"
    listed = Path(found.origin).with_name("applications") / "__init__.py"
    text = listed.read_text("utf-8") if listed.exists() else ""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
