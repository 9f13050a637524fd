"""One batch that stays on the device, for as many steps of `fit` as one likes."""

from typing import Any

import keras


def repeated(images: Any, labels: Any, steps: int) -> Any:
    """Return what `fit` takes for an epoch of steps on the same batch.

    Nothing is read, changed or copied to the device for a step, so that an epoch takes
    as long as its computation.

    Args:
        images: A tensor of images.
        labels: A tensor of their labels.
        steps: Number of steps.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        # `fit` would copy the tensors of a Python data set for each step.
        return tf.data.Dataset.from_tensors((images, labels)).repeat(steps)
    return _Repeated(images, labels, steps)


class _Repeated(keras.utils.PyDataset):
    """The same batch again and again."""

    def __init__(self, images: Any, labels: Any, steps: int) -> None:
        super().__init__()
        self.batch = images, labels
        self.steps = steps

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self.batch
