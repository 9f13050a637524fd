"""A fingerprint of what a model computes, to know a comparison that is stale.

Two things are put together: the model's data by value (its configuration, colours,
shape and names of variables) and the code that its body and heads use.
"""

import hashlib
from pathlib import Path

from keras_cnnzoo.layers import ColorNormalization
from keras_cnnzoo.registry import family_of
from keras_cnnzoo.verify.code import Code


def digest(name: str, answers: Path | None = None) -> str:
    """Return the fingerprint of a model and of its reference's answers.

    What changes no number changes no fingerprint: comments, docstrings, annotations,
    messages of errors, papers and claims, other models, and code that is not used.

    Args:
        name: A model of the zoo.
        answers: The file of its reference's answers, where there is one.

    Returns:
        16 hexadecimal digits.
    """
    total = hashlib.sha256(model_code(name).text().encode())
    if answers is not None:
        total.update(answers.read_bytes())
    return total.hexdigest()[:16]


def model_code(name: str) -> Code:
    """Collect what a model is made of: its data, and the code that works on it."""
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
