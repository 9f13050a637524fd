"""Train all weights of a pretrained model, early layers slowly and perhaps later."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from keras_cnnzoo.internals.learning_rate import steps_of
from keras_cnnzoo.internals.mending import mended
from keras_cnnzoo.training.continuing import continued
from keras_cnnzoo.training.freezing import freeze_before, unfreeze
from keras_cnnzoo.training.optimizers import layer_rates, with_rates
from keras_cnnzoo.training.order import Path
from keras_cnnzoo.training.recompiling import compile_again, compile_settings
from keras_cnnzoo.training.relay import Relay
from keras_cnnzoo.training.stages import stages

#: Factor on the learning rate from each stage to the one before it.
LAYER_DECAY = 0.75


def fine_tune(  # noqa: PLR0913 - each is a choice that users make by name
    model: keras.Model,
    train: Any,
    validation: Any = None,
    *,
    epochs: int = 10,
    batch_size: int | None = None,
    layer_decay: float = LAYER_DECAY,
    gradual: bool = False,
    shuffle: bool = True,
    class_weight: Mapping[int, float] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: Any = "auto",
) -> keras.callbacks.History:
    """Train all weights of a compiled model, early stages at lower learning rates.

    With `gradual`, the head trains alone in the first epoch, and in each epoch after
    it one stage more, from the last to the stem; the epochs that are left train all
    weights. If there are fewer epochs than stages, several stages are added at once, so
    that the last epoch trains all. The learning rate schedule goes through the whole
    training; the optimizer's momenta begin anew where a stage is added.

    Args:
        model: Any built, compiled Functional or Sequential model. It is trained in
            place, by `fit` with the optimizer, loss and metrics of `compile`. All its
            layers are unfrozen first.
        train: The training data: a data set that `fit` takes, of batches `(images,
            labels)`, or a tuple of arrays.
        validation: The validation data, in the same form, or None.
        epochs: Passes over the data.
        batch_size: Images in a batch, for arrays; None takes 32, as `fit`.
        layer_decay: Factor on the learning rate from each stage to the one before it;
            see `layer_rates`. 1 trains all stages at the same rate.
        gradual: Whether stages are unfrozen one after the other.
        shuffle: Whether each epoch has a new order, as for `fit`.
        class_weight: The weight of each class in the loss, as for `fit`.
        callbacks: Callbacks as for `fit`. They see one training.
        verbose: As for `fit`.

    Returns:
        The history, as from `fit`; its `model` is the model.

    Raises:
        ValueError: The model is not compiled, or with a function that Keras cannot
            recreate; or `layer_decay` or `epochs` is out of range.

    Source:
        Howard and Ruder, "Universal Language Model Fine-tuning for Text
        Classification", 2018, section 3.2 (gradual unfreezing).
    """
    if not model.compiled:
        raise ValueError(
            f"{model.name!r} is not compiled. Call `compile` first; it is trained with "
            "its optimizer, loss and metrics."
        )
    if epochs < 1:
        raise ValueError(f"`epochs` is at least 1. Received: {epochs}")
    unfreeze(model)
    rates = layer_rates(model, layer_decay)
    phases = unfreezing(model, epochs) if gradual else [Phase(None, 0, epochs)]
    relay = Relay(callbacks, model, epochs)
    data: dict[str, Any] = {"x": train}
    if isinstance(train, tuple):
        arrays = dict(zip(("x", "y", "sample_weight"), train, strict=False))
        data = {**arrays, "batch_size": batch_size}
    steps = 0
    for phase in phases:
        begin_phase(model, phase, rates, steps)
        with mended(model):
            model.fit(
                **data,
                initial_epoch=phase.begin,
                epochs=phase.end,
                validation_data=validation,
                shuffle=shuffle,
                class_weight=class_weight,
                callbacks=[relay],
                verbose=verbose,
            )
        steps += steps_of(model.optimizer)
        if relay.stopped:
            break
    if phase.first is not None:  # a callback ended it early
        unfreeze(model)
    return relay.end()


@dataclass(frozen=True)
class Phase:
    """Epochs in which the same layers train.

    Attributes:
        first: Path of the first layer that trains; None if all do.
        begin: The first epoch, counted from 0.
        end: The epoch after the last.
    """

    first: Path | None
    begin: int
    end: int


def unfreezing(model: keras.Model, epochs: int) -> list[Phase]:
    """Return the phases of gradual unfreezing; see `fine_tune`.

    Args:
        model: A model of which nothing is frozen.
        epochs: Epochs in all.
    """
    parts = stages(model)
    phases, begin = [], 0
    for trained, end in _ends(len(parts), epochs):
        first = parts[-trained][0] if trained < len(parts) else None
        phases.append(Phase(first, begin, end))
        begin = end
    return phases


def _ends(count: int, epochs: int) -> Iterator[tuple[int, int]]:
    """Yield how many stages train, and after how many epochs that changes."""
    trained = [
        min(epoch, count) if epochs >= count else math.ceil(epoch * count / epochs)
        for epoch in range(1, epochs + 1)
    ]
    end = 0
    for stages_, same in itertools.groupby(trained):
        end += len(list(same))
        yield stages_, end


def begin_phase(
    model: keras.Model, phase: Phase, rates: Mapping[str, float], steps: int
) -> None:
    """Unfreeze what a phase trains, freeze the rest, and compile the model again.

    Args:
        model: A compiled model, whose optimizer's schedule is that of the beginning or
            of the phase before.
        phase: The phase.
        rates: The factor on the learning rate of each weight, as from `layer_rates`.
        steps: Steps since the beginning.
    """
    unfreeze(model)
    if phase.first is not None:
        freeze_before(model, phase.first)
    settings: dict[str, Any] = compile_settings(model) or {}
    optimizer = continued(settings["optimizer"], steps)
    compile_again(model, settings | {"optimizer": with_rates(optimizer, rates)})
