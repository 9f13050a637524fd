"""The table of the weights that torchvision and timm publish, by model.

`tests/references/make_published.py` writes it from the two libraries' own data, and
`tests/references/pin_published.py` adds revisions and digests from the hub.
"""

import csv
import functools
from importlib import resources

from keras_cnnzoo.cards import Claim, Preprocessing, Weights

COLUMNS = (
    *("model", "tag", "url", "sha256", "hub", "revision", "hub_sha256", "license"),
    *("side", "fit", "crop", "interpolation", "mean", "std", "classes", "top1"),
)
_PAGES = {
    "torchvision": "https://docs.pytorch.org/vision/stable/models.html",
    "timm": "https://github.com/huggingface/pytorch-image-models",
}


@functools.cache
def published() -> dict[str, tuple[Weights, ...]]:
    """Return the published weights by model."""
    text = resources.files(__package__).joinpath("published.csv").read_text("utf-8")
    found: dict[str, tuple[Weights, ...]] = {}
    for row in csv.DictReader(text.splitlines()):
        found[row["model"]] = (*found.get(row["model"], ()), _weights(row))
    return found


def _weights(row: dict[str, str]) -> Weights:
    source = row["tag"].partition("/")[0]
    claims: tuple[Claim, ...] = ()
    if row["top1"]:
        metric = f"ImageNet val top-1 accuracy %, {row['side']} pixels"
        claims = (
            Claim(metric=metric, value=float(row["top1"]), source=_PAGES[source]),
        )
    return Weights(
        tag=row["tag"],
        source=source,
        url=row["url"],
        license=row["license"] or "see its page",
        # `sha256` in the table is for the file at `url`, not for the file on the hub.
        sha256=row["hub_sha256" if row["hub"] else "sha256"] or None,
        copy_sha256=(row["hub"] and row["sha256"]) or None,
        hub=row["hub"] or None,
        revision=row["revision"] or None,
        preprocessing=Preprocessing(
            mean=_numbers(row["mean"]),
            std=_numbers(row["std"]),
            crop=float(row["crop"]),
            interpolation=row["interpolation"],  # type: ignore[arg-type]
            fit=row["fit"],  # type: ignore[arg-type]
        ),
        classes=int(row["classes"]),
        claims=claims,
    )


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(map(float, text.split()))
