"""Choose the feature map that an attribution method uses."""

import keras

from keras_cnnzoo.inspect.trace.layer_calls import Call, last_call
from keras_cnnzoo.structure.paths import Selection


def locate(model: keras.Model, calls: list[Call], layer: Selection | None) -> Call:
    """Return the call that outputs the feature map: the layer's last, or the last map.

    Without a layer, this is the last feature map before the final pooling or
    flattening: pooling layers at the end are skipped, and so are maps of one pixel.
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
    """Tell whether a call only pools a feature map, without weights of its own."""
    weightless = not call.layer.weights
    return hasattr(call.layer, "pool_size") or (weightless and call.shrinks)
