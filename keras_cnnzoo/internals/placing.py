"""Place batches on several devices, also those that the devices cannot share evenly.

Keras's `DataParallel` decides once, from the first batch, how all batches of an epoch
are split, and a smaller last batch that does not split evenly ends `fit` in an
exception that leaves the model without weights.
"""

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import keras

from keras_cnnzoo.internals.patching import Patch


class EvenOrWhole(keras.distribution.DataParallel):
    """Data parallelism in which an uneven batch is computed whole by every device.

    The gradient is then that of one device in both cases. Data sets whose batches are
    read by several processes have an attribute `is_whole`: whether the batch that was
    taken last is the same in all of them, and not a part.
    """

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        with super().scope(), _patch().applied():
            yield

    def place(self, array: Any, whole: bool) -> Any:
        """Return the array of all processes, placed on the devices.

        Args:
            array: The rows of this process.
            whole: Whether every process has all rows, and every device gets them.
        """
        import jax

        axes = [None if whole else self.batch_dim_name, *[None] * (array.ndim - 1)]
        layout = keras.distribution.TensorLayout(axes, self.device_mesh)
        make: Callable[..., Any] = jax.make_array_from_process_local_data
        return make(layout.backend_layout, array)


def _batches(
    plain: Any, iterator: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Iterator[Any]:
    (distribution,) = args
    if not isinstance(distribution, EvenOrWhole):
        yield from plain(iterator, distribution)
        return
    data = getattr(iterator.data_adapter, "py_dataset", None)
    for batch in iterator.data_adapter.get_jax_iterator():
        rows = len(keras.tree.flatten(batch)[0])
        uneven = rows * distribution.num_processes % distribution.num_model_replicas
        whole = getattr(data, "is_whole", uneven != 0)
        yield keras.tree.map_structure(
            functools.partial(distribution.place, whole=whole),
            batch,
            none_is_leaf=False,
        )


@functools.cache
def _patch() -> Patch:
    owner = inspect.unwrap(keras.Model.fit).__globals__["JAXEpochIterator"]
    return Patch(owner, "_get_distributed_iterator", _batches)
