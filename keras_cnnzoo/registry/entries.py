"""The cards of models as plain data, for `keras_cnnzoo.catalogue`."""

import dataclasses
import json
from typing import Any

from keras_cnnzoo.registry.facts import Card
from keras_cnnzoo.registry.index import family_of


def entry_of(card: Card) -> dict[str, Any]:
    """Return a card as JSON data, including facts for which the model is built."""
    stages = [stage._asdict() for stage in card.stages]
    facts = {"params": card.params, "macs": card.macs, "stages": stages}
    entry: dict[str, Any] = json.loads(json.dumps(stated(card) | facts))
    return entry


def stated(card: Card) -> dict[str, Any]:
    """Return a card as JSON data, without building the model.

    `params` and `macs` are None if the family does not state them.
    """
    variant = family_of(card.name).variants[card.name]
    facts = {"params": variant.params, "macs": variant.macs}
    weights = [dataclasses.asdict(w) | {"checked": w.checked} for w in card.weights]
    whole = dataclasses.asdict(card) | facts | {"weights": weights}
    plain: dict[str, Any] = json.loads(json.dumps(whole))
    return plain
