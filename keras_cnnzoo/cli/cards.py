"""What is known of models, for `list` and `show`: without Keras where that can be."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keras_cnnzoo import catalogue
from keras_cnnzoo.catalogue import Entry
from keras_cnnzoo.cli.starting import start_keras

#: The repository's table of what was verified.
TABLE = Path("docs", "verified.csv")


def all_entries() -> Iterator[Entry]:
    """Yield what is known of each model; the registry answers what no catalogue can.

    Nothing is built: `params` and `macs` of a plugin's models are None where the plugin
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
    """Return what is known of one model.

    Raises:
        ValueError: No model has that name; the message offers the nearest.
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
    if known["stages"] is None:  # not recorded: to build a large backbone takes long
        known["stages"] = entry_of(card)["stages"]
    return stated(card) | _measured(known)


def _measured(known: Entry | None) -> Entry:
    """Take what nobody states but somebody has to build a model for."""
    if known is None:
        return {"stages": None, "verified": None}
    return {fact: known[fact] for fact in ("params", "macs", "stages", "verified")}


def record(path: Path) -> None:
    """Write the catalogue of all models of this package. It takes some minutes."""
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
