"""Layers whose calls cannot be observed, since another layer runs them in a loop."""

from collections.abc import Mapping

import keras

from keras_cnnzoo.structure.paths import layer_paths

#: Layers that run others inside a loop of the backend, without calling them.
LOOPS = (keras.layers.RNN, keras.layers.TimeDistributed)


def why_hidden(model: keras.layers.Layer, path: str) -> str | None:
    """Return why the calls of a layer cannot be observed, or None if they can.

    Args:
        model: A model or layer.
        path: The layer's path, as `layer_paths` returns it.

    Example:
        >>> conv = keras.layers.Conv2D(2, 3, name="conv")
        >>> frames = keras.layers.TimeDistributed(conv, name="frames")
        >>> model = keras.Sequential([frames])
        >>> print(why_hidden(model, "frames/conv"))
        'frames/conv' is run by 'frames', a TimeDistributed, for all steps at once, \
without being called: take 'frames', whose output is that of its layer.
    """
    paths = layer_paths(model)
    above = loop_around(paths, path)
    if above is None:
        return None
    if isinstance(paths[above], keras.layers.TimeDistributed):
        how, what = "for all steps at once", "is that of its layer"
    else:
        how, what = "in a loop over the steps", "is that of the last step, or of all"
    return (
        f"{path!r} is run by {above!r}, a {type(paths[above]).__name__}, {how}, "
        f"without being called: take {above!r}, whose output {what}."
    )


def loop_around(paths: Mapping[str, keras.layers.Layer], path: str) -> str | None:
    """Return the path of the outermost layer that runs another one in a loop, or None.

    Args:
        paths: All layers of the model by path, as `layer_paths` returns them.
        path: Path of the inner layer.
    """
    parts = path.split("/")
    above = ("/".join(parts[:depth]) for depth in range(1, len(parts)))
    return next((p for p in above if isinstance(paths.get(p), LOOPS)), None)
