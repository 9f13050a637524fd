"""The registry of models: find families and cards, and build a model from a name."""

from keras_cnnzoo.registry.assembly import assemble
from keras_cnnzoo.registry.facts import Card, card
from keras_cnnzoo.registry.how_built import Origin, origin
from keras_cnnzoo.registry.index import (
    families,
    family_of,
    list_models,
    module_of,
    register,
    weights_of,
)
from keras_cnnzoo.registry.small_images import SmallImageWarning, lost_picture

__all__ = [
    "Card",
    "Origin",
    "SmallImageWarning",
    "assemble",
    "card",
    "families",
    "family_of",
    "list_models",
    "lost_picture",
    "module_of",
    "origin",
    "register",
    "weights_of",
]
