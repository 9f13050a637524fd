"""Load a data set by name, by path, or from arrays."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from keras_cnnzoo.axes import image_shape
from keras_cnnzoo.cards import Preprocessing
from keras_cnnzoo.data.adapt import FITS, Adapter
from keras_cnnzoo.data.arrays import from_arrays, from_npz
from keras_cnnzoo.data.augment import Augmentation, named
from keras_cnnzoo.data.batches import Mix
from keras_cnnzoo.data.columns import Asked
from keras_cnnzoo.data.digits import digits
from keras_cnnzoo.data.examples import Examples, Source
from keras_cnnzoo.data.folder import from_folder
from keras_cnnzoo.data.idx import from_idx_folder, is_idx_folder
from keras_cnnzoo.data.imageset import ImageSet
from keras_cnnzoo.data.names import display_names, names_beside
from keras_cnnzoo.data.parquet import from_parquet, parquet_files
from keras_cnnzoo.data.splits import Splits, held_out, standard_names
from keras_cnnzoo.data.table import SUFFIXES, from_csv
from keras_cnnzoo.data.targets import Targets
from keras_cnnzoo.data.tfds import from_tfds


def load(  # noqa: PLR0913 - each is a choice that users make by name
    name_or_path: Any,
    *,
    image_size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    fit: str | Preprocessing | Adapter = "resize",
    batch_size: int = 32,
    augment: Any = None,
    mix: Mix | None = None,
    validation: float | int | None = 0.1,
    seed: int = 0,
    class_names: Any = None,
    columns: Asked | None = None,
    targets: str | None = None,
    train_sizes: int | Sequence[int | tuple[int, int]] = (),
) -> Splits:
    """Load images with labels, split and in batches, for `fit` on any backend.

    Args:
        name_or_path: One of
            "digits", 1,797 scanned images of 8x8 pixels that come with the package;
            a name of tensorflow-datasets, such as "mnist" or "cifar10";
            a folder with a folder of images per class, or with such folders in
            `train`, `validation` and `test`;
            a folder of idx files, the format of MNIST;
            an `.npz` file of arrays `x_<split>` and `y_<split>`;
            a `.csv`, `.tsv` or `.parquet` table of image files and labels;
            a folder of parquet files of images, as on the Hugging Face hub;
            a pair of arrays (images, labels), or a dict of such pairs by split, where
            images are channels last, from 0 to 255;
            the result of `open_source`.
        image_size: Height and width, or one number for both; None keeps the images'
            size, which must then be the same for all.
        channels: 1 for grey, 3 for RGB; None keeps the images' channels. A folder is
            grey if every image is.
        fit: How images are resized: "resize" stretches the whole image; "pad" centres
            it on black, and shrinks it only if it is larger; "crop" scales it, keeping
            its proportions, and takes the central 0.875 of each side; "squash" does the
            same without keeping the proportions. A `keras_cnnzoo.cards.Preprocessing`
            sets the crop and the interpolation, as does the `adapter` of a run.
        batch_size: Images in a batch.
        augment: Random changes to the training images: an `Augmentation`; "digits",
            "cifar" or "imagenet"; a function `(images, rng) -> images` of float32
            images, channels last; or a Keras preprocessing layer, whose random state is
            set for every batch.
        mix: A function `(images, labels, rng) -> (images, labels)` of a training batch
            in the data format of models, after the augmentation, such as mixup.
        validation: Fraction (below 1) or number of the training images to set apart,
            in proportion from every class; 0 or None for none. If the data set has a
            validation set, that is used instead.
        seed: Determines the order, the augmentation and the validation set.
        class_names: Names of the classes for display, in order, or a file of them; see
            `keras_cnnzoo.data.display_names`. None looks for `classes.csv`,
            `classes.json` or `classes.txt` beside the data.
        columns: For a table, which of its columns are the "image", the "label" (or
            several) and the "split"; None takes those with usual names, such as path,
            label and split.
        targets: What the labels are: "class", one of several; "classes", several at
            once, as rows of 0 and 1; "number", one or more numbers to predict. None
            recognises it in a table, and is "class" elsewhere. See
            `keras_cnnzoo.data.targets.Targets`.
        train_sizes: Height and width of the training images, if not `image_size`: one
            for all epochs, or one for each, the last of which holds after it, too.

    Returns:
        The sets, with the names of the classes.

    Raises:
        ValueError: There is no such data set, it holds no usable images, or an
            argument is out of range. The message says what to do.
        TypeError: An argument is of the wrong type.

    Example:
        >>> from keras_cnnzoo import data
        >>> data.load("digits", image_size=32, fit="pad")
        digits: images (32, 32, 1), 10 classes
          train            1,298
          validation         144
          test               355
    """
    batch_size = _whole("batch_size", batch_size, 1)
    seed = _whole("seed", seed, 0)
    augment = named(augment)
    sizes: Any = (train_sizes,) if isinstance(train_sizes, Integral) else train_sizes
    source = open_source(name_or_path, columns=columns, targets=targets)
    size = None if image_size is None else _pair("image_size", image_size)
    adapter = _adapter(source, size, channels, fit)
    standard = standard_names(list(source.sets))
    raw = {standard_name: source.sets[name] for standard_name, name in standard.items()}
    others = {k: v for k, v in source.sets.items() if k not in standard.values()}

    if "train" in raw and "validation" not in raw:
        groups = source.targets.strata(raw["train"].labels)
        held = held_out(groups, _held_count(validation, len(groups)), seed)
        if held.any():
            raw["validation"] = raw["train"].take(np.flatnonzero(held))
            raw["train"] = raw["train"].take(np.flatnonzero(~held))

    def plain(examples: Examples) -> ImageSet:
        return ImageSet(examples.adapted(adapter, once=True), batch_size=batch_size)

    sets = {name: plain(examples) for name, examples in raw.items() if name != "train"}
    if "train" in raw:
        # Random crops are taken from the original images, before they are resized.
        crops = isinstance(augment, Augmentation) and augment.area is not None
        sets["train"] = ImageSet(
            raw["train"].adapted(adapter, once=not crops and not sizes),
            batch_size=batch_size,
            shuffle=True,
            augment=augment,
            mix=mix,
            seed=seed,
            sizes=[_pair("train_sizes", size) for size in sizes],
        )
    others_ready = {name: plain(examples) for name, examples in others.items()}
    first: Any = next(iter([*sets.values(), *others_ready.values()]))
    return Splits(
        name=source.name,
        class_names=source.class_names,
        image_shape=image_shape(first.examples.shape),
        others=others_ready,
        skipped=source.skipped,
        adapter=adapter,
        display_names=(
            names_beside(name_or_path, source.class_names)
            if class_names is None
            else display_names(source.class_names, class_names)
        ),
        kind=source.kind,
        **sets,
        own_names=standard,
    )


def open_source(
    name_or_path: Any, *, columns: Asked | None = None, targets: str | None = None
) -> Source:
    """Open data by name, by path or from arrays, to pass them to `load` later.

    The images of a folder are not decoded yet.

    Args:
        name_or_path: As for `load`; a source is returned as it is.
        columns: As for `load`.
        targets: As for `load`.

    Raises:
        ValueError: There is no such data set, or it holds no usable images.
        TypeError: It is of the wrong type, or takes no `columns` or `targets`.
    """
    if targets is not None:
        Targets(targets)  # checks the word before anything is read
    source, takes = _opened(name_or_path, columns, targets)
    for name, value in (("columns", columns), ("targets", targets)):
        if value is not None and name not in takes:
            raise TypeError(
                f"`{name}` is for {TAKERS[name]}, and {source.name!r} is none."
            )
    return source


#: Which sources take what else `open_source` is given.
TAKERS = {
    "columns": "tables and parquet files",
    "targets": "tables, parquet files, arrays and .npz files",
}


def _opened(
    data: Any, columns: Asked | None, targets: str | None
) -> tuple[Source, Sequence[str]]:
    """Return the source, and which arguments this kind of source takes."""
    if isinstance(data, Source):
        return data, ()
    if not isinstance(data, str | os.PathLike):
        if isinstance(data, tuple | list | Mapping):
            return from_arrays(data, targets or "class"), ["targets"]
        raise TypeError(
            "Data is given as a name, a path, (images, labels), or a dict of such "
            f"pairs by split. Received: {type(data).__name__}"
        )
    path = Path(data).expanduser()
    if data == "digits":
        return digits(), ()
    if path.suffix in SUFFIXES and path.is_file():
        return from_csv(path, columns, targets), list(TAKERS)
    if parquet_files(path):
        return from_parquet(path, columns, targets), list(TAKERS)
    if path.is_dir():
        return from_idx_folder(path) if is_idx_folder(path) else from_folder(path), ()
    if path.is_file():
        if path.suffix == ".npz":
            return from_npz(path, targets or "class"), ["targets"]
        raise ValueError(
            f"{path} is a file, and of single files only .npz, .csv, .tsv and .parquet "
            "can be loaded. Give the folder that holds the images."
        )
    if isinstance(data, str):
        return from_tfds(data), ()
    raise ValueError(f"There is no file or folder {path}.")


def _whole(name: str, value: Any, least: int) -> int:
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"`{name}` is a whole number. Received: {value!r}")
    number = int(value)
    if number < least:
        raise ValueError(f"`{name}` is at least {least}. Received: {value}")
    return number


def _pair(name: str, value: Any) -> tuple[int, int]:
    """Return a height and a width, given both or one number of pixels for both."""
    size = (value,) * 2 if isinstance(value, Integral) else tuple(value)
    if len(size) != 2 or not all(isinstance(n, Integral) and int(n) > 0 for n in size):
        raise ValueError(
            f"`{name}` is a number of pixels, or (height, width). Received: {value!r}"
        )
    return int(size[0]), int(size[1])


def _adapter(
    source: Source,
    size: tuple[int, int] | None,
    channels: int | None,
    fit: str | Preprocessing | Adapter,
) -> Adapter:
    """Return the adapter for the images of a source."""
    if channels not in (None, 1, 3):
        raise ValueError(f"`channels` is 1, 3 or None. Received: {channels!r}")
    shapes = {examples.shape for examples in source.sets.values()}
    if size is None:
        sizes = {shape[:2] for shape in shapes}
        if len(sizes) > 1 or None in next(iter(sizes)):
            raise ValueError(
                f"The images of {source.name!r} are of different sizes. Choose one, "
                "such as image_size=224."
            )
        size = next(iter(sizes))  # type: ignore[assignment]
    if channels is None:
        channels = max(shape[2] for shape in shapes)
    assert size is not None
    if isinstance(fit, Adapter):
        return replace(fit, size=size, channels=channels)
    if isinstance(fit, Preprocessing):
        return Adapter(size, channels, fit.fit, fit.crop, fit.interpolation)
    if fit not in FITS:
        raise ValueError(
            f"`fit` is one of {', '.join(FITS)}, or a Preprocessing. Received: {fit!r}"
        )
    return Adapter(size, channels, fit)


def _held_count(validation: float | int | None, total: int) -> int:
    """Return the size of the validation set that is taken from `total` images."""
    if validation is None or validation is False:
        return 0
    if isinstance(validation, Integral):
        count = int(validation)
    elif 0 <= validation < 1:
        count = round(validation * total)
    else:
        count = -1
    if not 0 <= count < total:
        raise ValueError(
            "`validation` is a share from 0 to below 1, or a whole number below the "
            f"{total:,} training images. Received: {validation!r}"
        )
    return count
