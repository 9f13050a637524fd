"""Tell when images are so small that a network leaves a single position of them."""

import keras

from keras_cnnzoo.axes import channels_last_shape, spatial
from keras_cnnzoo.registry.index import family_of
from keras_cnnzoo.registry.stages import default_shape

#: Networks for images of 32 x 32, by the family whose relatives they are.
RELATIVES = {
    "densenet": "cifar_densenet_bc_100_12",
    "nin": "nin_cifar10",
    "resnext": "cifar_resnext29_8x64d",
    "wide_resnet_imagenet": "wrn_28_10",
}
RELATIVE = "cifar_resnet20"


class SmallImageWarning(UserWarning):
    """A network leaves a single position of its images, since they are small."""


def lost_picture(name: str, model: keras.Model) -> str | None:
    """Say in one sentence that a model reduces its images to one position too early.

    That is where kernels that take in several positions have a feature map of 1x1, and
    the images are smaller than the model's own.

    Args:
        name: The model's name.
        model: The model, built by that name.

    Returns:
        The sentence, which names a network for small images; None if all is well, or
        the size of the images is not known.
    """
    size = channels_last_shape(model.input.shape[1:])[:2]
    own = channels_last_shape(default_shape(name))[:2]
    known = [side for side in (*size, *own) if side is not None]
    if len(known) < 4 or min(known[:2]) >= min(known[2:]):
        return None
    layer = _reducing(model)
    if layer is None:
        return None
    relative = RELATIVES.get(family_of(name).name, RELATIVE)
    return (
        f"{name!r} is for images of {own[0]}x{own[1]}. At {size[0]}x{size[1]}, its "
        f"feature maps are 1x1 from {layer.name!r} on, where nothing is left to see. "
        f"{relative!r} is for small images; or enlarge them."
    )


def _reducing(model: keras.Model) -> keras.layers.Layer | None:
    """Return the layer that makes the 1x1 map in which others look for patterns.

    None if they look at larger maps only, whatever pools these.
    """
    looks = False
    for layer in reversed(model.layers):
        try:
            outcome, given = _largest(layer.output), _largest(layer.input)
        except AttributeError:  # it is called several times
            continue
        if given is None:
            continue
        if max(outcome or given) > 1:
            return None
        if outcome is not None:
            looks = looks or _looks(layer)
            if max(given) > 1:
                return layer if looks else None
    return None


def _looks(layer: keras.layers.Layer) -> bool:
    """Tell whether a layer has kernels that take in more than one position."""
    return any(len(w.shape) == 4 and max(w.shape[:2]) > 1 for w in layer.weights)


def _largest(tensors: object) -> tuple[int, int] | None:
    """Return height and width of the largest feature map; None if there is none."""
    flat = keras.tree.flatten(tensors)
    sizes = [spatial(t.shape) for t in flat if len(t.shape) == 4]
    return max(sizes, default=None)
