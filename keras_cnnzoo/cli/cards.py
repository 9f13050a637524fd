"""The facts about models for `list` and `show`, read without Keras if possible."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keras_cnnzoo import catalogue
from keras_cnnzoo.catalogue import Entry
from keras_cnnzoo.cli.starting import start_keras

#: The repository's table of verified models.
TABLE = Path("docs", "verified.csv")


def all_entries() -> Iterator[Entry]:
    """Yield the facts about each model, from the catalogue or else the registry.

    No model is built, so `params` and `macs` of a plugin's model are None if the plugin
    does not state them.
    """
    kept = catalogue.read()
    if kept is not None:
        yield from kept.values()
        return
    start_keras()
    from keras_cnnzoo import registry
    from keras_cnnzoo.registry.entries import stated

    kept = catalogue.recorded()
    for name in registry.list_models():
        yield stated(registry.card(name)) | _measured(kept.get(name))


def entry(name: str) -> Entry:
    """Return the facts about one model.

    Raises:
        ValueError: No model has that name; the message suggests similar names.
    """
    kept = catalogue.read()
    if kept is not None and kept.get(name, {}).get("stages") is not None:
        return kept[name]
    start_keras()
    from keras_cnnzoo import registry
    from keras_cnnzoo.registry.entries import entry_of, stated

    card, known = registry.card(name), catalogue.recorded().get(name)
    if known is None:
        return entry_of(card) | {"verified": None}
    known = dict(known)
    if known["stages"] is None:  # the catalogue leaves out what takes long to build
        known["stages"] = entry_of(card)["stages"]
    return stated(card) | _measured(known)


def _measured(known: Entry | None) -> Entry:
    """Return the recorded facts that otherwise require building the model."""
    if known is None:
        return {"stages": None, "verified": None}
    return {fact: known[fact] for fact in ("params", "macs", "stages", "verified")}


def record(path: Path) -> None:
    """Write the catalogue of all models of this package, which takes some minutes."""
    start_keras()
    import keras

    from keras_cnnzoo import registry
    from keras_cnnzoo.registry.entries import entry_of
    from keras_cnnzoo.verify.blank import without_drawing

    with TABLE.open(newline="") as file:
        verified = {row["name"]: row["reference"] for row in csv.DictReader(file)}
    found: dict[str, Any] = {}
    with without_drawing():
        for name in registry.list_models():
            found[name] = entry_of(registry.card(name)) | {
                "verified": verified.get(name)
            }
            keras.backend.clear_session()
    catalogue.write(path, found)
    print(f"{len(found)} models are recorded in {path}.")
