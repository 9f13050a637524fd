"""Find the learning rate of a run before its training, and keep the curve."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keras_cnnzoo.training.learning_rate import find_learning_rate
from keras_cnnzoo.training.pictures import write_figure
from keras_cnnzoo.training.preparing import Prepared

#: The file of the curve in the run folder.
CURVE = "learning_rates.png"


def with_found_rate(
    prepared: Prepared, folder: Path, say: Callable[[str], Any]
) -> tuple[Prepared, dict[str, float | None]]:
    """Replace the learning rate of a training by the one that a test suggests.

    The curve is drawn into the run folder. What is trained is as before the test, and
    has to be compiled again.

    Args:
        prepared: What the training needs, compiled.
        folder: The run folder.
        say: Called with each sentence for the user.

    Returns:
        The same with another recipe, and the learning rates that were found. Where no
        rate lowers the loss, the recipe's stays.
    """
    say("looking for a learning rate, by raising it step by step")
    prepared.begin(prepared.phases[-1])
    found = find_learning_rate(
        prepared.trained, prepared.sets.train, class_weight=prepared.class_weights
    )
    write_figure(found.plot(title="Learning rates"), folder / CURVE)
    rates = {name: _short(getattr(found, name)) for name in ("suggestion", "steepest")}
    rate = rates["suggestion"]
    if rate is None:
        kept = prepared.recipe.optimizer.learning_rate
        say(f"note: no learning rate lowered the loss, so the recipe's {kept:g} stays")
        return prepared, rates
    say(f"found the learning rate {rate:g}; the curve is {folder / CURVE}")
    recipe = prepared.recipe.replace({"optimizer.learning_rate": rate})
    return dataclasses.replace(prepared, recipe=recipe), rates


def _short(rate: float | None) -> float | None:
    """Return a rate that one can type."""
    return None if rate is None else float(f"{rate:.3g}")
