"""Measure how fast networks run and train, in turn."""

import contextlib
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import keras

from keras_cnnzoo import zoo
from keras_cnnzoo.axes import channels_last_shape, image_shape
from keras_cnnzoo.backend.device import allocated_by, device_name, free_memory
from keras_cnnzoo.bench.contender import Contender, Task, keras_contender
from keras_cnnzoo.bench.matrix import matrix_product, operations
from keras_cnnzoo.bench.others import LIBRARIES, other
from keras_cnnzoo.bench.speed import Speed, SpeedRow, speed_row
from keras_cnnzoo.bench.turns import Steps, time_in_turn
from keras_cnnzoo.inspect import profile
from keras_cnnzoo.inspect.cost.table import nbytes
from keras_cnnzoo.precision import POLICIES, computing_in
from keras_cnnzoo.registry import card

#: Types in which networks compute.
PRECISIONS = tuple(POLICIES)
#: What exceptions and messages of the backends say if memory is short.
SHORT = ("RESOURCE_EXHAUSTED", "out of memory", "can't allocate memory")
SHORT_TYPES = ("ResourceExhaustedError", "OutOfMemoryError", "MemoryError")
SMALLER = "Choose a smaller `batch_size` or `image_size`."
OURS = "keras_cnnzoo"


def measure_speed(
    names: Sequence[str],
    *,
    batch_size: int = 32,
    image_size: int | None = None,
    precision: str = "float32",
    rounds: int = 5,
    beside: Sequence[str] = (),
    say: Callable[[str], object] = lambda text: None,
) -> Speed:
    """Measure the forward pass and the training step of networks by name.

    All are measured in turn in every round, together with a product of large matrices,
    which shows what the device reaches at best. The batch stays on the device. The
    results are medians of the rounds.

    Args:
        names: Names of `keras_cnnzoo.list_models()`.
        batch_size: Images in a batch.
        image_size: Height and width in pixels; None takes each network's own.
        precision: What layers compute in: "float32", "bfloat16" or "float16". The
            weights are float32.
        rounds: Number of rounds.
        beside: Libraries whose networks are measured too, where they are installed and
            have the same: "keras", "timm" or "torchvision".
        say: Called with what happens next.

    Raises:
        ValueError: There is no such model, library or precision, a number is not
            positive, the size does not suit a model, or the memory does not suffice.
    """
    _check(batch_size, image_size, rounds, precision, beside)
    shapes = {name: _shape(name, image_size) for name in dict.fromkeys(names)}
    passes: list[_Pass] = []
    absent: dict[str, str] = {}
    with computing_in(precision):
        for name, shape in shapes.items():
            say(f"building {name}")
            with _short_of_memory(name, batch_size):
                model = _build(name, shape, batch_size)
                classes = model.output_shape[-1]
                task = Task.draw(batch_size, shape, classes, precision)
                ours = keras_contender(name, OURS, model, task)
                passes += _tried(ours, say)
                for library in dict.fromkeys(beside):
                    try:
                        passes += _tried(other(library, ours, task), say)
                    except (ImportError, LookupError) as error:
                        absent[f"{name} of {LIBRARIES[library]}"] = str(error)
        side, product = matrix_product(precision)
        with _short_of_memory(" with ".join(shapes), batch_size):
            seconds = time_in_turn([product, *(p.run for p in passes)], rounds, say)
    rates = [operations(side) / taken for taken in seconds[0]]
    return Speed(
        backend=keras.backend.backend(),
        device=device_name(),
        batch_size=batch_size,
        precision=precision,
        rounds=rounds,
        peak=statistics.median(rates),
        side=side,
        rows=_rows(passes, seconds[1:], rates, batch_size),
        absent=absent,
    )


@dataclass(frozen=True)
class _Pass:
    """One kind of pass of a network, and the bytes that a step takes."""

    network: Contender
    step: str
    memory: int | None

    @property
    def run(self) -> Steps:
        return self.network.passes[self.step]


def _tried(network: Contender, say: Callable[[str], object]) -> list[_Pass]:
    """Compile the passes of a network, and measure their memory."""
    passes = []
    for step, run in network.passes.items():
        say(f"compiling {network.name} of {network.package}, {step}")
        run(1)
        taken = allocated_by(lambda run=run: run(1))  # type: ignore[misc]
        memory = None if taken is None else taken + network.held[step]()
        passes.append(_Pass(network, step, memory))
    return passes


def _rows(
    passes: Sequence[_Pass],
    seconds: Sequence[list[float]],
    rates: Sequence[float],
    batch_size: int,
) -> tuple[SpeedRow, ...]:
    first: dict[str, list[float]] = {}
    return tuple(
        speed_row(
            (each.network.name, each.network.package, each.step),
            taken,
            first.setdefault(each.step, taken),
            rates,
            batch_size=batch_size,
            macs=each.network.macs,
            memory=each.memory,
        )
        for each, taken in zip(passes, seconds, strict=True)
    )


def _build(name: str, shape: tuple[int, ...], batch_size: int) -> keras.Model:
    """Build a network that outputs logits, if there is memory to train it."""
    model = zoo.build(name, input_shape=image_shape(shape), classifier_activation=None)
    free = free_memory()
    needed = profile(model, batch_size=batch_size, optimizer_slots=1).memory.training
    # A system that has promised more memory than it has ends the process, or another.
    if free is not None and needed > free:
        raise ValueError(
            f"{name} needs about {nbytes(needed)} for a training step with a batch of "
            f"{batch_size}, and {nbytes(free)} are free. {SMALLER}"
        )
    return model


def _shape(name: str, image_size: int | None) -> tuple[int, ...]:
    """Return `(height, width, channels)` of the images of a network."""
    own = channels_last_shape(card(name).input_shape)
    shape = own if image_size is None else (image_size, image_size, own[-1])
    known = tuple(size for size in shape if size is not None)
    if len(known) < len(shape):
        raise ValueError(f"{name} takes images of any size. Give `image_size`.")
    return known


def _check(
    batch_size: int,
    image_size: int | None,
    rounds: int,
    precision: str,
    beside: Sequence[str],
) -> None:
    numbers = {"batch_size": batch_size, "image_size": image_size, "rounds": rounds}
    for option, number in numbers.items():
        if number is not None and number < 1:
            raise ValueError(f"`{option}` is at least 1. Received: {number}")
    if precision not in PRECISIONS:
        raise ValueError(
            f"`precision` is one of {', '.join(PRECISIONS)}. Received: {precision!r}"
        )
    if unknown := [library for library in beside if library not in LIBRARIES]:
        raise ValueError(
            f"There is no library {unknown[0]!r} to measure beside; there are: "
            f"{', '.join(LIBRARIES)}."
        )


@contextlib.contextmanager
def _short_of_memory(what: str, batch_size: int) -> Iterator[None]:
    """Raise one kind of error if the memory of the device does not suffice."""
    try:
        yield
    except Exception as error:
        said = type(error).__name__ in SHORT_TYPES
        if not said and not any(words in str(error) for words in SHORT):
            raise
        raise ValueError(
            f"The memory of {device_name()} does not suffice for {what} with a batch "
            f"of {batch_size}. {SMALLER}"
        ) from error
