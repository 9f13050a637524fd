"""The card of a model: its paper, preprocessing, weights, claims and results."""

import dataclasses
import functools
from typing import Any

from keras_cnnzoo.cards import Claim, Paper, Preprocessing, Result, Weights
from keras_cnnzoo.catalogue import recorded
from keras_cnnzoo.inspect import count_macs, count_params
from keras_cnnzoo.registry.assembly import assemble
from keras_cnnzoo.registry.card_html import card_html
from keras_cnnzoo.registry.index import entry_of, family_of, weights_of
from keras_cnnzoo.registry.results import results
from keras_cnnzoo.registry.stages import Stage, default_shape, stages


@dataclasses.dataclass(frozen=True)
class Card:
    """The facts about one model; see `card`."""

    name: str
    family: str
    paper: Paper
    task: str
    source: str
    license: str | None
    input_shape: tuple[int | None, ...]
    classes: int
    preprocessing: Preprocessing
    config: dict[str, Any]
    reference: str
    weights: tuple[Weights, ...]
    claims: tuple[Claim, ...]
    results: tuple[Result, ...]
    deviations: tuple[str, ...]

    @functools.cached_property
    def params(self) -> int:
        """Trainable parameters with the default input shape and classes."""
        stated = family_of(self.name).variants[self.name].params
        return count_params(assemble(self.name)) if stated is None else stated

    @functools.cached_property
    def macs(self) -> int:
        """Multiply-accumulates for one image of the default size."""
        stated = family_of(self.name).variants[self.name].macs
        return count_macs(assemble(self.name)) if stated is None else stated

    @functools.cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The feature maps that `build(..., features=...)` can output, in order."""
        return stages(self.name)

    def _repr_html_(self) -> str:
        """Show the card in a notebook, without building the model."""
        variant = family_of(self.name).variants[self.name]
        known = recorded().get(self.name, {})
        costs = {"params": variant.params, "macs": variant.macs}
        return card_html(
            self, {k: known.get(k) if n is None else n for k, n in costs.items()}
        )


def card(name: str) -> Card:
    """Return the card of a model: its paper, size, preprocessing, weights, claims.

    Raises:
        ValueError: No model has that name; the message suggests similar names.
    """
    family = family_of(name)
    variant = family.variants[name]
    entry = entry_of(family)
    return Card(
        name=name,
        family=family.name,
        paper=variant.paper or family.paper,
        task=family.task.name,
        source=entry.source,
        license=entry.license,
        input_shape=default_shape(name),
        classes=family.classes,
        preprocessing=variant.preprocessing or family.preprocessing,
        config=dataclasses.asdict(variant.config),
        reference=variant.reference,
        weights=weights_of(name),
        claims=variant.claims,
        results=variant.results + results().get(name, ()),
        deviations=family.deviations + variant.deviations,
    )
