"""A digest of what a model computes, to detect stale comparisons.

It covers the model's data (its configuration, colour normalisation, input shape,
classes and maps of weight names) and the code that its body and heads use.
"""

import hashlib
from pathlib import Path

from keras_cnnzoo.layers import ColorNormalization
from keras_cnnzoo.registry import family_of
from keras_cnnzoo.verify.code import Code


def digest(name: str, answers: Path | None = None) -> str:
    """Return the digest of a model and of its reference's outputs.

    Anything that cannot change an output leaves the digest the same: comments,
    docstrings, annotations, error messages, papers and claims, other models, and unused
    code.

    Args:
        name: A model of the zoo.
        answers: The file with its reference's outputs, if there is one.

    Returns:
        16 hexadecimal digits.
    """
    total = hashlib.sha256(model_code(name).text().encode())
    if answers is not None:
        total.update(answers.read_bytes())
    return total.hexdigest()[:16]


def model_code(name: str) -> Code:
    """Collect a model's data and code."""
    family = family_of(name)
    variant = family.variants[name]
    seen = variant.preprocessing or family.preprocessing
    code = Code()
    code.add("body", family.body)
    code.add("head", family.head)
    code.add("auxiliary", family.auxiliary)
    code.add("config", variant.config)
    code.add("colours", (seen.mean, seen.std, seen.order))
    # Every model begins with this layer.
    code.add("normalization", ColorNormalization)
    code.add("input_shape", variant.input_shape or family.input_shape)
    code.add("classes", family.classes)
    code.add("name_maps", dict(family.name_maps))
    return code
