"""Compare a model's outputs with its reference's, for equal weights and images.

The reference's outputs are stored in a small file. It has the names and shapes of the
parameters, from which the same weights can be drawn again, and for each image size the
logits and a sample of each feature map. `tests/references/make_references.py` writes
these files.
"""

import dataclasses
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_cnnzoo import registry, weights
from keras_cnnzoo.verify.blank import without_drawing
from keras_cnnzoo.verify.drawing import reference_images, reference_weights

#: The number of values stored per feature map.
SAMPLE = 256
#: The largest difference that counts as equal, as a share of the outputs' range.
TOLERANCE = 1e-4
#: The least difference between the logits of the two images, in the same measure.
TELLING = 0.01
#: The name of the main head's output; names of other heads' outputs begin with it.
LOGITS = "logits"

#: Logits and feature maps by name.
Answers = dict[str, np.ndarray]


@dataclass(frozen=True)
class Comparison:
    """How much a model's outputs differ from its reference's.

    Attributes:
        name: The model.
        reference: The reference implementation, as "library/name".
        version: The library's version.
        sizes: Side lengths of the images.
        logits: Largest difference of the logits as a share of their range, over all
            sizes.
        features: The same for the feature maps; None if none were compared.
        told_apart: Difference between the logits of the two images, in the same
            measure. If it is small, the network hardly depends on the image, and the
            comparison proves little.
    """

    name: str
    reference: str
    version: str
    sizes: tuple[int, ...]
    logits: float
    features: float | None
    told_apart: float

    @property
    def equal(self) -> bool:
        """Whether every difference is within the tolerance."""
        return max(self.logits, self.features or 0.0) <= TOLERANCE

    @property
    def telling(self) -> bool:
        """Whether the two images' logits differ enough for a meaningful comparison."""
        return self.told_apart >= TELLING


def sample(maps: np.ndarray) -> np.ndarray:
    """Pick the values of a batch of feature maps, channels last, to store in a file."""
    flat = np.ravel(maps)
    picked = np.linspace(0, flat.size - 1, SAMPLE).astype(int)
    return np.asarray(flat[picked], "float32")


def compare(name: str, path: Path) -> Comparison:
    """Build a model with the reference's weights, and compare the outputs of both.

    Args:
        name: A model of the zoo.
        path: The file with the reference's outputs.

    Raises:
        ValueError: The reference's weights do not fit the model.
    """
    with np.load(path, allow_pickle=False) as file:
        kept = dict(file)
    about = json.loads(str(kept["about"]))
    drawn = reference_weights(about["shapes"], about.get("seed", 0))

    def answer(name: str, size: int) -> tuple[Answers, Answers]:
        expected = {
            key.replace(f"_{size}", "", 1): value
            for key, value in kept.items()
            if re.match(rf"({LOGITS}|map)_{size}(_|$)", key)
        }
        stages = [key.removeprefix("map_") for key in expected if key[:4] == "map_"]
        shape = (size, size, about["channels"])
        model = _with_maps(name, stages, input_shape=shape, **about["options"])
        weights.load(model, drawn)
        got = answers_of(model, reference_images(size, channels=about["channels"]))
        if isinstance(got["head"], dict):  # the model has auxiliary heads
            got |= got["head"]
        maps = {f"map_{stage}": sample(got.pop(f"map_{stage}")) for stage in stages}
        heads = {f"{LOGITS}_{head}": value for head, value in got.items()}
        return heads | maps | {LOGITS: got["head"]}, expected

    return compare_sizes(
        name, about["reference"], about["version"], about["sizes"], answer
    )


def _with_maps(name: str, stages: Sequence[str], **options: Any) -> keras.Model:
    """Build a model that outputs its logits and the feature maps of stages.

    Weights that would be drawn at random are zero.
    """
    family = registry.family_of(name)
    classify = family.task.head or family.head

    def head(maps: Any, config: Any, **top: Any) -> Any:
        seen = {f"map_{stage}": maps[stage] for stage in stages}
        return seen | {"head": classify(maps, config, **top)}

    task = dataclasses.replace(family.task, head=head)
    with without_drawing():
        return registry.assemble(name, task=task, classifier_activation=None, **options)


def compare_sizes(
    name: str,
    reference: str,
    version: str,
    sizes: Sequence[int],
    answer: Callable[[str, int], tuple[Answers, Answers]],
) -> Comparison:
    """Compare our outputs with the reference's at each size.

    `answer(name, size)` returns both, as dictionaries: "logits", "logits_" and a name
    for each auxiliary head, and feature maps or samples of them.
    """
    logits: list[float] = []
    features: list[float] = []
    apart: list[float] = []
    for size in sizes:
        got, expected = answer(name, size)
        for key, value in expected.items():
            found = logits if key.startswith(LOGITS) else features
            found.append(_difference(got[key], value))
        apart.append(_difference(*np.split(expected[LOGITS], 2)))
        keras.backend.clear_session()
    return Comparison(
        name=name,
        reference=reference,
        version=version,
        sizes=tuple(sizes),
        logits=max(logits),
        features=max(features, default=None),
        told_apart=min(apart),
    )


def answers_of(model: keras.Model, images: np.ndarray) -> Any:
    """Return a model's outputs for one batch, uncompiled except with JAX.

    For a single batch, compiling takes longer than it saves on the other backends.
    """
    if keras.backend.backend() == "jax":
        return model.predict_on_batch(images)
    answers = model(images, training=False)
    return keras.tree.map_structure(keras.ops.convert_to_numpy, answers)


def _difference(got: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference as a share of the range of the expected values."""
    spread = np.ptp(expected)
    if got.shape != expected.shape or not np.isfinite(got).all():
        return float("inf")
    return float(np.abs(got - expected).max() / spread) if spread else float("inf")
