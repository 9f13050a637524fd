"""Compare a model with what its reference answered, weights and images being equal.

The reference's answers lie in a small file: names and shapes of its parameters, from
which the weights are drawn again; for each size of image its logits and a sample of
each feature map. `tests/references/make_references.py` writes such files.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from keras_cnnzoo import weights
from keras_cnnzoo.verify.drawing import reference_images, reference_weights
from keras_cnnzoo.zoo import build

#: Numbers kept of each feature map.
SAMPLE = 256
#: The largest difference that counts as equal, as a share of the answers' spread.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Comparison:
    """How far a model is from its reference.

    Attributes:
        name: The model.
        reference: "library/name" of the implementation compared with.
        version: The library's version.
        sizes: Sides of the images.
        logits: Largest difference of the logits, as a share of their spread, the
            worst of all sizes.
        features: The same of the feature maps, None where none were compared.
        told_apart: How far the answers to the two images are from each other, in the
            same measure; a comparison of answers that hardly differ says little.
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


def sample(maps: np.ndarray) -> np.ndarray:
    """Pick the numbers of a batch of maps, channels last, that a file keeps."""
    flat = np.ravel(maps)
    return flat[np.linspace(0, flat.size - 1, SAMPLE).astype(int)].astype("float32")


def compare(name: str, path: Path) -> Comparison:
    """Build a model with the reference's weights and compare their answers.

    Args:
        name: A model of the zoo.
        path: The file of the reference's answers.

    Raises:
        ValueError: The reference's weights do not fit the model.
    """
    with np.load(path, allow_pickle=False) as file:
        kept = dict(file)
    about = json.loads(str(kept["about"]))
    drawn = reference_weights(about["shapes"])

    def answer(name: str, size: int) -> tuple[Answers, Answers]:
        options = about["options"] | {"input_shape": (size, size, about["channels"])}
        model = build(name, classifier_activation=None, **options)
        weights.load(model, drawn)
        images = reference_images(size, channels=about["channels"])
        got = {"logits": _first(model.predict(images, verbose=0))}
        stages = {
            key.removeprefix(f"map_{size}_"): value
            for key, value in kept.items()
            if key.startswith(f"map_{size}_")
        }
        if stages:
            pyramid = build(name, features=tuple(stages), **options)
            weights.load(pyramid, drawn, strict=False)
            maps = pyramid.predict(images, verbose=0)
            got |= {stage: sample(maps[stage]) for stage in stages}
        return got, {"logits": kept[f"logits_{size}"]} | stages

    return compare_sizes(
        name, about["reference"], about["version"], about["sizes"], answer
    )


Answers = dict[str, np.ndarray]


def compare_sizes(
    name: str,
    reference: str,
    version: str,
    sizes: Sequence[int],
    answer: Callable[[str, int], tuple[Answers, Answers]],
) -> Comparison:
    """Compare what `answer(name, size)` returns, ours and theirs, at each size.

    Both are "logits" and any stages' maps, or samples of them, by name.
    """
    logits: list[float] = []
    features: list[float] = []
    apart: list[float] = []
    for size in sizes:
        got, expected = answer(name, size)
        for key, value in expected.items():
            found = logits if key == "logits" else features
            found.append(_difference(got[key], value))
        apart.append(_difference(expected["logits"][:1], expected["logits"][1:]))
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


def _first(answer):
    """Return the logits, of a model with auxiliary heads too."""
    return answer["head"] if isinstance(answer, dict) else answer


def _difference(got: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference as a share of the spread of what is expected."""
    spread = np.ptp(expected)
    if got.shape != expected.shape or not np.isfinite(got).all():
        return float("inf")
    return float(np.abs(got - expected).max() / spread) if spread else float("inf")
