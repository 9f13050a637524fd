"""What a recipe does to a whole batch of training images and their labels."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from keras_cnnzoo.training.erasing import Erasing
from keras_cnnzoo.training.mixing import Mixing
from keras_cnnzoo.training.recipe import Recipe


@dataclass(frozen=True)
class BatchChanges:
    """Erases boxes in images, and then mixes them, as timm does.

    Attributes:
        classes: Number of classes.
        erasing: Erases, or None.
        mixing: Mixes, or None. It makes rows of probabilities of class numbers.
    """

    classes: int
    erasing: Erasing | None
    mixing: Mixing | None

    def __call__(
        self, images: np.ndarray, labels: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Change a batch in the configured data format."""
        if self.erasing is not None:
            images = self.erasing(images, rng)
        if self.mixing is not None:
            images, labels = self.mixing(images, labels, self.classes, rng)
        return images, labels


def batch_changes(recipe: Recipe, classes: int) -> BatchChanges | None:
    """Return what a recipe does to a batch; None if it does nothing."""
    if recipe.erase is None and recipe.mix is None:
        return None
    erase, mix = recipe.erase, recipe.mix
    return BatchChanges(
        classes,
        None if erase is None else Erasing(**dataclasses.asdict(erase)),
        # The loss smooths the labels, those of validation too.
        None if mix is None else Mixing(**dataclasses.asdict(mix), smoothing=0.0),
    )
