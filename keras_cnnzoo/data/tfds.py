"""Load data sets of tensorflow-datasets by name, prepared on disk once.

Only this module of `keras_cnnzoo.data` imports TensorFlow, and only when it is used.
"""

import contextlib
import difflib
import os
import re
import socket
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_cnnzoo.data.examples import (
    ArrayExamples,
    EncodedExamples,
    Examples,
    Skipped,
    Source,
)

NAME = re.compile(r"\w+(/[\w.+-]+)?(:[\w.]+)?")
# The most bytes of a split that are read into memory, decoded or encoded.
MAX_BYTES = 2 * 2**30
REACH_SECONDS = 4
BATCH = 1024
CHUNK = 10_000


def from_tfds(name: str) -> Source:
    """Open a data set of tensorflow-datasets, downloading it if necessary.

    Raises:
        ValueError: There is no such data set; it is not on disk and cannot be
            downloaded; it does not have images with one class each; or it can only be
            read in order and is too large for memory.
    """
    builder = _builder(name)
    image, label = _keys(builder, name)
    if not builder.data_path.exists():
        _prepare(builder, name)
        builder = _builder(name)
    keep_off_accelerators()
    sets: dict[str, Examples] = {}
    skipped = []
    for split in builder.info.splits:
        examples = _read(builder, name, split, image, label)
        if len(examples.labels) and (examples.labels < 0).all():
            skipped.append(Skipped(f"{name}, {split}", "its images have no labels"))
        else:
            sets[split] = examples
    return Source(
        name=name,
        sets=sets,
        class_names=tuple(builder.info.features[label].names),
        skipped=tuple(skipped),
    )


def _builder(name: str) -> Any:
    import tensorflow_datasets as tfds

    known = ["digits", *tfds.list_builders(with_community_datasets=False)]
    base = re.split("[/:]", name)[0]
    if not NAME.fullmatch(name) or base not in known:
        near = ", ".join(difflib.get_close_matches(base.lower(), known, n=3))
        raise ValueError(
            f"There is no file or folder {name!r}, and no data set of that name. "
            f"{f'Close to it: {near}. ' if near else ''}"
            "Possible are 'digits', the names of tensorflow-datasets (mnist, "
            "cifar10, ...), folders of images, tables and .npz files, and arrays."
        )
    try:
        return tfds.builder(name)
    except (AssertionError, ValueError, RuntimeError) as error:
        raise ValueError(f"tensorflow-datasets does not open {name!r}: {error}") from (
            error
        )


def keep_off_accelerators() -> None:
    """Keep TensorFlow, which only reads files here, from taking the GPU's memory."""
    if keras.backend.backend() == "tensorflow":
        return
    import tensorflow as tf

    # This raises if the process already uses TensorFlow, whose settings are then kept.
    with contextlib.suppress(RuntimeError):
        tf.config.set_visible_devices([], "GPU")


def _prepare(builder: Any, name: str) -> None:
    """Download and convert a data set, one process at a time."""
    import tensorflow_datasets as tfds

    advice = (
        f"On a machine with a network, `tfds build {name}` prepares it; copy the "
        f"result to {builder.data_path}. Without any download there is 'digits'."
    )
    if unreachable := _unreachable(builder):
        raise ValueError(
            f"The data set {name!r} is not on this machine, and {unreachable}, from "
            f"where it is downloaded, cannot be reached. {advice}"
        )
    keep_off_accelerators()
    varied = any(
        None in feature.shape
        for feature in builder.info.features.values()
        if isinstance(feature, tfds.features.Image)
    )
    with _alone(Path(builder.data_path).parent):
        if builder.data_path.exists():
            return
        try:
            # Photographs may not fit in memory; random access reads them one by one.
            builder.download_and_prepare(file_format="array_record" if varied else None)
        except Exception as error:  # the builders raise various exceptions
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(
                f"The data set {name!r} is not on this machine and could not be "
                f"prepared: {reason[:600]} {advice}"
            ) from error


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process of this package writes into this folder.

    The operating system releases the lock of a process that dies.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = open(folder / ".keras_cnnzoo.lock", "w")  # noqa: SIM115
    except OSError as error:
        raise ValueError(
            f"{folder}, where tensorflow-datasets keeps its data, cannot be written: "
            f"{error}. Set TFDS_DATA_DIR to a folder that can."
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _unreachable(builder: Any) -> str | None:
    """Return the download's host if it cannot be reached, else None.

    tensorflow-datasets itself would retry for minutes. Behind a proxy, and for files
    that the user downloads, this is not checked.
    """
    hosts = [urllib.parse.urlsplit(url).hostname for url in builder.url_infos or ()]
    by_hand = builder.MANUAL_DOWNLOAD_INSTRUCTIONS is not None
    if not hosts or hosts[0] is None or by_hand or urllib.request.getproxies():
        return None
    try:
        socket.create_connection((hosts[0], 443), timeout=REACH_SECONDS).close()
    except OSError:
        return hosts[0]
    return None


def _keys(builder: Any, name: str) -> tuple[str, str]:
    """Return the names of the features that hold the image and its class."""
    import tensorflow_datasets as tfds

    features = builder.info.features
    images = [k for k, f in features.items() if isinstance(f, tfds.features.Image)]
    labels = [k for k, f in features.items() if isinstance(f, tfds.features.ClassLabel)]
    keys = builder.info.supervised_keys
    if keys and keys[0] in images and keys[1] in labels:
        return keys[0], keys[1]
    if len(images) == 1 and len(labels) == 1:
        return images[0], labels[0]
    raise ValueError(
        f"{name!r} is not a set of images with one class each: it has the images "
        f"{images} and the class labels {labels}."
    )


def _read(builder: Any, name: str, split: str, image: str, label: str) -> Examples:
    import tensorflow_datasets as tfds

    feature, info = builder.info.features[image], builder.info.splits[split]
    height, width, channels = feature.shape
    skip = {image: tfds.decode.SkipDecoding()}
    if channels not in (1, 3, None):
        raise ValueError(
            f"The images of {name!r} have {channels} channels; 1 and 3 are read."
        )
    shape = (height, width, channels or 3)
    if builder.info.file_format == tfds.core.FileFormat.ARRAY_RECORD:
        records = builder.as_data_source(split, decoders=skip)
        labels = _labels_of(records, Path(builder.data_path), split, label)
        return _encoded(lambda n: records[n][image], labels, f"{name}, {split}", shape)
    if info.num_bytes > MAX_BYTES:
        raise ValueError(
            f"{name!r} is prepared as {builder.info.file_format.value}, which can only "
            f"be read in order, and {split} is too large for memory, "
            f"{info.num_bytes / 2**30:.0f} GiB. Prepare it for random access: delete "
            f"{builder.data_path}, then `tfds build {name} --file_format=array_record`."
        )
    # All decoders give the same pixels for PNG, but not for JPEG.
    decoded = (
        None not in shape
        and feature.encoding_format == "png"
        and info.num_examples * np.prod(shape) <= MAX_BYTES
    )
    only = tfds.decode.PartialDecoding(
        {image: True, label: True}, decoders=None if decoded else skip
    )
    stored = builder.as_dataset(split=split, batch_size=BATCH, decoders=only)
    batches = [(b[image], b[label]) for b in tfds.as_numpy(stored)]
    labels = np.concatenate([labels for _, labels in batches]).astype(np.int32)
    if decoded:
        return ArrayExamples(np.concatenate([images for images, _ in batches]), labels)
    files = [file for images, _ in batches for file in images]
    return _encoded(files.__getitem__, labels, f"{name}, {split}", shape)


def _encoded(fetch: Any, labels: np.ndarray, where: str, shape: Any) -> Examples:
    return EncodedExamples(
        fetch=fetch,
        labels=labels,
        numbers=np.arange(len(labels)),
        describe=lambda number: f"{where}, image {number}",
        shape=shape,
    )


def _labels_of(records: Any, folder: Path, split: str, label: str) -> np.ndarray:
    """Return the labels of records with random access, which reads all of them.

    The labels are saved beside the data for the next time.
    """
    kept = folder / f"keras_cnnzoo.{split}.labels.npy"
    if kept.exists():
        labels = np.load(kept, allow_pickle=False)
        if len(labels) == len(records):
            return labels
    labels = np.fromiter(
        (
            record[label]
            for start in range(0, len(records), CHUNK)
            for record in records.__getitems__(
                range(start, min(start + CHUNK, len(records)))
            )
        ),
        np.int32,
        len(records),
    )
    # If the folder cannot be written, the next run only has to read all again.
    with contextlib.suppress(OSError):
        beside = kept.with_name(f"{kept.name}.{os.getpid()}")
        with open(beside, "wb") as file:
            np.save(file, labels)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, kept)
    return labels
