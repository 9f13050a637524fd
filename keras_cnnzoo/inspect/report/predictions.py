"""What a model predicts for each image, and which pixels support the prediction."""

import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_cnnzoo.inspect import attribution
from keras_cnnzoo.inspect.figures.pictures import brighten

#: How many answers are shown, and how many of them are explained.
TOP, EXPLAINED = 5, 3
DEFAULT = ("grad_cam", "layer_cam", "saliency")
#: The methods that can be asked for, and what the page calls them.
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
    """Refuse a method that there is not, before anything is computed."""
    if unknown := [name for name in methods if name not in METHODS]:
        raise ValueError(
            f"There is no method {unknown[0]!r}. Choose from {', '.join(METHODS)}."
        )


def rank(
    answers: Sequence[np.ndarray | None], class_names: Sequence[str] | None
) -> tuple[list[list[dict[str, Any]]], str | None]:
    """Return the strongest answers to each image, and what their numbers are.

    Args:
        answers: One vector for each image; None where the model gives no vector.
        class_names: A name for each of its numbers; None numbers them.

    Returns:
        For each image `{"class", "name", "value"}` of the strongest; and what the
        values are: "probability", "score" or "softmax of the logits".

    Raises:
        ValueError: There are more or fewer names than classes.
    """
    if not answers or any(a is None or len(a) < 2 for a in answers):
        return [[] for _ in answers], None
    values = np.stack([np.asarray(a, "float64") for a in answers])
    classes = values.shape[1]
    if class_names is not None and len(class_names) != classes:
        raise ValueError(
            f"The model tells {classes} classes apart, and `class_names` has "
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
    """Explain the first answers to each image by each method.

    Args:
        model: The model.
        images: A batch, as the model takes them.
        ranked: What `rank` returned.
        methods: Names of `METHODS`.

    Returns:
        For each image the maps by method, uint8 `(answers, height, width)`; and for
        each method that cannot explain this model, why.
    """
    found: list[dict[str, np.ndarray]] = [{} for _ in images]
    count = min(EXPLAINED, min((len(answers) for answers in ranked), default=0))
    if not count:
        return found, dict.fromkeys(methods, "The model does not answer with classes.")
    targets = [row["class"] for answers in ranked for row in answers[:count]]
    failed: dict[str, str] = {}
    for name in methods:
        try:
            # The page itself says if no pixel supports a target.
            with warnings.catch_warnings(category=UserWarning, action="ignore"):
                maps = getattr(attribution, name)(
                    model, np.repeat(images, count, axis=0), target=targets
                )
        except ValueError as error:
            # Such as a model without maps: the page says so, and has the rest.
            failed[name] = str(error)
            continue
        for i, rows in enumerate(np.split(maps, len(images))):
            shown = np.stack([brighten(row) for row in rows])
            found[i][name] = np.rint(shown * 255).astype("uint8")
    return found, failed
