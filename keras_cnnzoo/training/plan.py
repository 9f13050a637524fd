"""The plan of a training: what it will do, in a few lines, before its first step."""

import dataclasses
from typing import Any

from keras_cnnzoo.inspect import count_params
from keras_cnnzoo.training.checkpoints import Checkpoint
from keras_cnnzoo.training.folder import Run
from keras_cnnzoo.training.preparing import Prepared
from keras_cnnzoo.training.recipe import Recipe, counted
from keras_cnnzoo.training.settings import OptimizerSettings

#: Settings of an optimizer that its line in the plan has anyway, or in other words.
IN_WORDS = ("name", "learning_rate", "weight_decay", "decay_all", "body_rate")
#: What each way of transfer trains.
TRANSFER = {
    "probe": "the head alone, on features that are computed before the first epoch",
    "finetune": "all layers, early ones at lower rates",
    "gradual": "the head first, and in each epoch a stage more",
}


def describe(run: Run, prepared: Prepared, start: Checkpoint | None) -> str:
    """Return the plan of a training as lines of text.

    Args:
        run: The run, whose folder exists.
        prepared: The model, the data and the recipe.
        start: The checkpoint from which the training goes on.
    """
    recipe, splits = prepared.recipe, prepared.splits
    arguments = run.config["arguments"]
    steps = len(splits.split("train"))
    options = ", ".join(f"{key}={value!r}" for key, value in recipe.model.items())
    sets = (f"{part.num_examples:,} {name}" for name, part in splits.sets.items())
    fit = splits.adapter.fit if splits.adapter else "as they are"
    sides = recipe.images.train_sizes(recipe.epochs)
    ends = tuple(dict.fromkeys(sides[:1] + sides[-1:]))
    sides_in_words = ends and f" (in training {_plain(ends)} pixels)"
    given = arguments["weights"]
    first = f"beginning with {given}" if given else "beginning at random"
    patience = recipe.stop and f", or {recipe.stop.patience} without a better one"
    lines = {
        "model": f"{arguments['model']}{options and f' ({options})'}, "
        f"{count_params(prepared.trained):,} weights to train, {first}",
        "transfer": TRANSFER.get(arguments["transfer"]),
        "data": f"{splits.name}, {len(splits.class_names)} classes: {', '.join(sets)}",
        "images": f"{splits.image_shape}{sides_in_words or ''}, {fit}; augmented: "
        f"{_augmentation(recipe) or 'no'}"
        f"{'; tested with their mirror images' if recipe.images.flip_test else ''}",
        "recipe": ": ".join(filter(None, (recipe.name or "unnamed", recipe.source))),
        "training": f"{counted(recipe.epochs, 'epoch')} of "
        f"{counted(steps, 'step')} of {recipe.batch_size:,} images{patience or ''}, "
        f"seed {run.config['seed']}",
        "optimizer": _optimizer(recipe.optimizer, fine_tunes=prepared.fine_tunes),
        "schedule": _schedule(recipe, steps),
        "loss": _settings(recipe.loss) or "cross-entropy",
        "weights": recipe.ema and f"averaged, decay {recipe.ema.decay:g}",
        "statistics": recipe.recalibrate
        and f"of batch normalisation anew, from {recipe.recalibrate:,} batches",
        "precision": prepared.model.dtype_policy.name,
        "devices": prepared.devices.text,
        "run": str(run.folder),
    }
    if start is not None:
        place = start.place
        lines["resumed"] = f"at epoch {place.epoch + 1}, after {place.step:,} steps"
    lines = {heading: text for heading, text in lines.items() if text}
    width = max(map(len, lines))
    return "\n".join(f"{heading:{width}}  {text}" for heading, text in lines.items())


def _augmentation(recipe: Recipe) -> str:
    """Return the changes that are not switched off."""
    parts = [_settings(recipe.augment)]
    if recipe.erase is not None:
        parts.append(f"boxes erased in {recipe.erase.probability:.0%}")
    parts.append(_settings(recipe.mix))
    return ", ".join(filter(None, parts))


def _settings(section: Any) -> str:
    """Return the settings of a section that differ from its defaults."""
    if section is None:
        return ""
    return ", ".join(
        _setting(field.name, value)
        for field in dataclasses.fields(section)
        if (value := getattr(section, field.name)) != field.default
    )


def _setting(name: str, value: Any) -> str:
    words = name.replace("_", " ")
    if dataclasses.is_dataclass(value):
        inside = _settings(value)
        return f"{words} ({inside})" if inside else words
    return words if value is True else f"{words} {_plain(value)}"


def _optimizer(settings: OptimizerSettings, *, fine_tunes: bool) -> str:
    parts = [f"{settings.name}, learning rate {settings.learning_rate:g}"]
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if field.name not in IN_WORDS and value not in (field.default, False):
            name = field.name.replace("_", " ")
            parts.append(name if value is True else f"{name} {value:g}")
    if settings.weight_decay:
        scope = "" if settings.decay_all else " without biases and norms"
        parts.append(f"weight decay {settings.weight_decay:g}{scope}")
    if fine_tunes:
        parts.append(f"layers before the head at {settings.body_rate:g} of the rate")
    return ", ".join(parts)


def _schedule(recipe: Recipe, steps: int) -> str:
    settings, total = recipe.schedule, recipe.total_steps(steps)

    def at(length: float) -> int:
        return round(recipe.share(length) * total)

    parts = []
    if settings.warmup:
        start = f" from {settings.warmup_from:g} of it" if settings.warmup_from else ""
        parts.append(f"rises for {counted(at(settings.warmup), 'step')}{start}")
    if settings.hold:
        parts.append(f"stays for {counted(at(settings.hold), 'step')}")
    pairs = zip(settings.factors, settings.milestones, strict=True)
    parts.append(
        {
            "constant": "constant",
            "step": ", ".join(f"times {f:g} at step {at(m):,}" for f, m in pairs),
        }.get(settings.kind, f"{settings.kind} to {settings.floor:g} at step {total:,}")
    )
    return ", ".join(parts)


def _plain(value: Any) -> str:
    if isinstance(value, tuple):
        return " to ".join(map(str, value))
    return value if isinstance(value, str) else f"{value:g}"
