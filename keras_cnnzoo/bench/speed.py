"""Results of a measurement of speed, as plain values."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from keras_cnnzoo.bench.turns import spread

#: Forward passes that take as many multiplications as a training step: the gradients
#: with respect to the feature maps and to the weights take one each.
WORK = {"forward": 1, "training": 3}


@dataclass(frozen=True)
class SpeedRow:
    """How fast one network is in one kind of pass.

    Attributes:
        name: The network's name.
        package: The package that it comes from.
        step: "forward", or "training" for a training step.
        milliseconds: Of a step: the median of the rounds.
        noise: How far the rounds lie apart: half the distance between the quartiles, as
            a share of the median.
        images_per_second: Images in a second.
        share_of_peak: Floating-point operations of the multiply-accumulates in a
            second, as a share of those of a large matrix product in the same round;
            None if the multiply-accumulates are not known. A training step counts as
            three forward passes.
        times_first: Milliseconds relative to the first network in the same round.
        memory: Bytes of weights, of the optimizer's state in training, and of what a
            step allocates beside them; None if nothing tells.
    """

    name: str
    package: str
    step: str
    milliseconds: float
    noise: float
    images_per_second: float
    share_of_peak: float | None
    times_first: float
    memory: int | None


@dataclass(frozen=True)
class Speed:
    """What `measure_speed` found.

    Attributes:
        backend: Keras's backend.
        device: Name of the device.
        batch_size: Images in a batch.
        precision: "float32", "bfloat16" or "float16".
        rounds: Number of rounds.
        peak: Floating-point operations in a second in a product of large matrices of
            this precision; the median of the rounds.
        side: Side of these matrices.
        rows: A row for each network and kind of pass.
        absent: Networks of other libraries that are left out, and why.
    """

    backend: str
    device: str
    batch_size: int
    precision: str
    rounds: int
    peak: float
    side: int
    rows: tuple[SpeedRow, ...]
    absent: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return asdict(self)


def speed_row(
    who: tuple[str, str, str],
    seconds: Sequence[float],
    first: Sequence[float],
    rates: Sequence[float],
    *,
    batch_size: int,
    macs: int | None,
    memory: int | None,
) -> SpeedRow:
    """Summarise the rounds of one network in one kind of pass.

    Args:
        who: Name, package and kind of pass.
        seconds: Of a step, in each round.
        first: The same of the first network.
        rates: Floating-point operations in a second of the matrix product, in each.
        batch_size: Images in a step.
        macs: Multiply-accumulates of an image in a forward pass.
        memory: Bytes that a step takes.
    """
    middle = statistics.median(seconds)
    share = None
    if macs is not None:
        work = 2 * macs * batch_size * WORK[who[2]]
        pairs = zip(seconds, rates, strict=True)
        share = statistics.median(work / took / rate for took, rate in pairs)
    pairs = zip(seconds, first, strict=True)
    return SpeedRow(
        *who,
        milliseconds=1e3 * middle,
        noise=spread(seconds),
        images_per_second=batch_size / middle,
        share_of_peak=share,
        times_first=statistics.median(took / other for took, other in pairs),
        memory=memory,
    )
