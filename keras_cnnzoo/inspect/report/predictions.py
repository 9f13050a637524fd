"""The predictions for each image, and the pixels that support them."""

import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_cnnzoo.inspect import attribution
from keras_cnnzoo.inspect.figures.pictures import brighten

#: How many classes are shown per image, and how many of them are explained.
TOP, EXPLAINED = 5, 3
DEFAULT = ("grad_cam", "layer_cam", "saliency")
#: The available methods, with their names on the page.
METHODS = {
    "grad_cam": "Grad-CAM",
    "grad_cam_pp": "Grad-CAM++",
    "score_cam": "Score-CAM",
    "layer_cam": "Layer-CAM",
    "eigen_cam": "Eigen-CAM",
    "saliency": "Saliency",
    "smooth_grad": "SmoothGrad",
    "integrated_gradients": "Integrated gradients",
    "occlusion": "Occlusion",
}


def check_methods(methods: Sequence[str]) -> None:
    """Raise an error for an unknown method, before anything is computed."""
    if unknown := [name for name in methods if name not in METHODS]:
        raise ValueError(
            f"There is no attribution method {unknown[0]!r}. Choose from "
            f"{', '.join(METHODS)}."
        )


def rank(
    answers: Sequence[np.ndarray | None], class_names: Sequence[str] | None
) -> tuple[list[list[dict[str, Any]]], str | None]:
    """Return the top classes of each image, and the kind of their values.

    Args:
        answers: The model's output vector for each image; None if it is no vector.
        class_names: A name for each class; None numbers them.

    Returns:
        For each image, `{"class", "name", "value"}` for the top classes; and the kind
        of the values: "probability", "score" or "softmax of the logits". The kind is
        None if the model predicts no classes.

    Raises:
        ValueError: The number of names is not the number of classes.
    """
    if not answers or any(a is None or len(a) < 2 for a in answers):
        return [[] for _ in answers], None
    values = np.stack([np.asarray(a, "float64") for a in answers])
    classes = values.shape[1]
    if class_names is not None and len(class_names) != classes:
        raise ValueError(
            f"The model has {classes} classes, but `class_names` has "
            f"{len(class_names)} names."
        )
    kind = "probability"
    if (values < 0).any() or (values > 1).any():
        kind = "softmax of the logits"
        values = np.exp(values - values.max(axis=1, keepdims=True))
        values /= values.sum(axis=1, keepdims=True)
    elif np.abs(values.sum(axis=1) - 1).max() > 1e-2:
        kind = "score"
    rows = []
    for row in values:
        best = np.argsort(-row, kind="stable")[:TOP]
        rows.append(
            [
                {
                    "class": int(i),
                    "name": str(class_names[i]) if class_names else f"class {i}",
                    "value": float(row[i]),
                }
                for i in best
            ]
        )
    return rows, kind


def attribute(
    model: keras.Model,
    images: np.ndarray,
    ranked: Sequence[Sequence[dict[str, Any]]],
    methods: Sequence[str],
) -> tuple[list[dict[str, np.ndarray]], dict[str, str]]:
    """Explain the top classes of each image with each method.

    Args:
        model: The model.
        images: A batch of preprocessed images.
        ranked: The top classes, from `rank`.
        methods: Names in `METHODS`.

    Returns:
        For each image the attribution maps by method, uint8 `(classes, height, width)`;
        and the reason for each method that cannot explain this model.
    """
    found: list[dict[str, np.ndarray]] = [{} for _ in images]
    count = min(EXPLAINED, min((len(answers) for answers in ranked), default=0))
    if not count:
        return found, dict.fromkeys(methods, "The model does not predict classes.")
    targets = [row["class"] for answers in ranked for row in answers[:count]]
    failed: dict[str, str] = {}
    for name in methods:
        try:
            # The page itself says if no pixel supports a class.
            with warnings.catch_warnings(category=UserWarning, action="ignore"):
                maps = getattr(attribution, name)(
                    model, np.repeat(images, count, axis=0), target=targets
                )
        except ValueError as error:
            # For example, a model without feature maps. The page shows the reason.
            failed[name] = str(error)
            continue
        for i, rows in enumerate(np.split(maps, len(images))):
            shown = np.stack([brighten(row) for row in rows])
            found[i][name] = np.rint(shown * 255).astype("uint8")
    return found, failed
