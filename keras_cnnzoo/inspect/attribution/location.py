"""Which map of a model an attribution looks at."""

import keras

from keras_cnnzoo.inspect.trace.layer_calls import Call, last_call
from keras_cnnzoo.structure.paths import Selection


def locate(model: keras.Model, calls: list[Call], layer: Selection | None) -> Call:
    """Return the call whose map is looked at: a named layer's last, or the last map.

    The last map is what feeds the pooling or flattening before the answer: poolings at
    the end are passed over, and so are maps of one pixel.
    """
    if layer is None:
        made = [call for call in calls if call.made and call.is_map]
        if not made:
            raise ValueError(
                f"{model.name!r} holds no spatial map of more than one pixel; there "
                "is no place to show. Methods of pixels, as `saliency`, still work."
            )
        return next((call for call in reversed(made) if not _pools(call)), made[-1])
    named = last_call(model, calls, layer)
    if not named.is_map:
        raise ValueError(
            "`layer` gives maps of more than one pixel, as the last convolution does. "
            f"{named.layer.name!r} gives the shape {named.shape}."
        )
    return named


def _pools(call: Call) -> bool:
    """Tell whether a call only shrinks maps that others made."""
    weightless = not call.layer.weights
    return hasattr(call.layer, "pool_size") or (weightless and call.shrinks)
