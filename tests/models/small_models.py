"""Which models stand for all in the tests, and how each is built small."""

import numpy as np

from keras_cnnzoo import card
from keras_cnnzoo.registry import families, family_of

#: The models that are tested on every backend; the others are on one. Together they
#: have each of our layers that networks here are made of.
SPREAD = {
    *("alexnet_2012", "cifar_highway11", "convnext_v2_atto", "densenet121"),
    *("fractalnet40", "ghostnet_050", "googlenet", "inception_next_atto", "lenet5"),
    *("mobilenet_v3_small", "nfnet_f0", "nin_cifar10", "resnest26d", "resnet18"),
    *("resnet50_v2", "shufflenet_v2_x0_5"),
}
#: The model that stands for a family whose card states no sizes: a small one.
STANDS_FOR = {"keras_applications": "keras_mobilenetv3small"}
#: Side of the images, where a sketch names no other.
SIDE = 96


def _smallest(family):
    """Name the smallest model of a family, by what its cards state, or the first."""
    stated = {name: variant.params for name, variant in family.variants.items()}
    if None in stated.values():
        return STANDS_FOR.get(family.name, next(iter(stated)))
    return min(stated, key=stated.get)


SMALLEST = [_smallest(family) for family in families()]


def small_options(name):
    """Keep one of each kind of block, and the image small."""
    shape = card(name).input_shape
    small = {"input_shape": (SIDE, SIDE, shape[-1])} if shape[0] > SIDE else {}
    return small | family_of(name).sketch


def small_shape(name):
    """Return the shape of the images of a model that is built small."""
    return small_options(name).get("input_shape", card(name).input_shape)


def small_images(name, batch=2):
    """Return random images of that shape."""
    shape = (batch, *small_shape(name))
    return np.random.default_rng(0).uniform(0, 255, shape).astype("float32")
