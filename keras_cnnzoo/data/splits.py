"""The training, validation and test sets of a data set, and how to split them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from keras_cnnzoo.data.adapt import Adapter
from keras_cnnzoo.data.examples import Skipped
from keras_cnnzoo.data.imageset import ImageSet
from keras_cnnzoo.data.targets import Targets

STANDARD = ("train", "validation", "test")
ALIASES = {"val": "validation", "valid": "validation"}


@dataclass(frozen=True, kw_only=True, repr=False)
class Splits:
    """A data set, ready for `fit`.

    Args:
        name: Name of the data set.
        class_names: Names of the classes; a label is an index into it, unless
            `kind` says otherwise.
        image_shape: Shape of one image, in the data format of models.
        train: The training images, shuffled and augmented.
        validation: The validation images.
        test: The test images.
        others: Further sets, by name.
        own_names: The source's own names of the training, validation and test set.
        skipped: Files that were left out, with the reason.
        adapter: Converts every image to the same size and number of channels.
        display_names: Names of the classes for display, in the order of `class_names`.
        kind: What the labels are; see `keras_cnnzoo.data.targets.Targets`.
    """

    name: str
    class_names: tuple[str, ...]
    image_shape: tuple[int, ...]
    train: ImageSet | None = None
    validation: ImageSet | None = None
    test: ImageSet | None = None
    others: Mapping[str, ImageSet] = field(default_factory=dict)
    own_names: Mapping[str, str] = field(default_factory=dict)
    skipped: Sequence[Skipped] = ()
    adapter: Adapter | None = None
    display_names: tuple[str, ...] = ()
    kind: str = "class"

    @property
    def targets(self) -> Targets:
        """What is to be predicted from the images, and how labels are stored."""
        return Targets(self.kind, self.class_names)

    def split(self, name: str) -> ImageSet:
        """Return a set by its standard name, or by the source's own name for it.

        Raises:
            ValueError: There is no such set; the message lists the sets.
        """
        sets = self.sets
        ours = {own: standard for standard, own in self.own_names.items()}
        name = ours.get(name, name)
        if name not in sets:
            raise ValueError(
                f"{self.name!r} has no split {name!r}. It has: {', '.join(sets)}."
            )
        return sets[name]

    @property
    def sets(self) -> dict[str, ImageSet]:
        """Every set by its name."""
        standard = {name: getattr(self, name) for name in STANDARD}
        return {k: v for k, v in standard.items() if v is not None} | dict(self.others)

    def __repr__(self) -> str:
        lines = [
            f"{self.name}: images {self.image_shape}, {self.targets}",
            *(f"  {name:<12}{s.num_examples:>10,}" for name, s in self.sets.items()),
        ]
        if self.skipped:
            lines.append(f"  {'left out':<12}{len(self.skipped):>10,}, see skipped")
        return "\n".join(lines)


def standard_names(names: Sequence[str]) -> dict[str, str]:
    """Find the training, validation and test set among the names of sets.

    An exact name is preferred; otherwise the only name that begins with it is taken.

    Returns:
        The name of the set for each of "train", "validation" and "test" that exists.
    """
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(ALIASES.get(name, name), name)
    for standard in STANDARD:
        alike = [name for name in names if name.startswith(standard)]
        if standard not in found and len(alike) == 1:
            found[standard] = alike[0]
    return {standard: found[standard] for standard in STANDARD if standard in found}


def held_out(groups: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Choose `count` examples, as nearly as possible in proportion from every group.

    The only example of a group is never chosen, because none would be left to train
    on. Fewer than `count` are chosen if there are not enough others.

    Args:
        groups: The group of each example, such as its class.
        count: How many to choose.
        seed: Determines which.

    Returns:
        A mask over the examples.
    """
    rng = np.random.default_rng([seed, len(groups)])
    # The shuffled position of each example within its group, as a fraction of the
    # group's size: the smallest fractions take the same proportion of every group.
    shares = np.empty(len(groups))
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        shares[members] = (rng.permutation(len(members)) + rng.random()) / len(members)
        if len(members) == 1:
            shares[members] = np.inf
    chosen = np.zeros(len(groups), bool)
    chosen[np.argsort(shares, kind="stable")[:count]] = True
    return chosen & np.isfinite(shares)
