"""Write the table of published weights: `keras_cnnzoo/registry/published.csv`.

    python tests/references/make_published.py

Read off the installed torchvision and timm: for each model of ours, every set of
weights that either publishes for its reference or a twin of it. Addresses, colour
constants, sizes and accuracies are the libraries' own. The digest is the part that
their file names state. The hub states revisions and digests of its own files when it is
asked, which `pin_published.py` does; rows that were pinned keep what they have.
"""

import csv
import re
from pathlib import Path

import make_preprocessing  # first: it makes torchvision importable
import timm
from timm.models import _registry
from torchvision.models import get_model_weights

import keras_cnnzoo
from keras_cnnzoo import list_models
from keras_cnnzoo.registry import family_of
from keras_cnnzoo.registry.published import COLUMNS

TARGET = Path(keras_cnnzoo.__file__).parent / "registry" / "published.csv"
#: What torchvision's weights may be used for is their data sets' to say.
TORCHVISION_LICENSE = "BSD-3-Clause"
NUMBERS = "{:.6g}".format


def digest(url: str) -> str:
    found = re.search(r"-([0-9a-f]{8})\.(?:pth|pt|safetensors)$", url)
    return found[1] if found else ""


def constants(values) -> str:
    return " ".join(NUMBERS(255 * value) for value in values)


def from_torchvision(reference: str):
    constructor = reference.partition("/")[2]
    for weights in get_model_weights(constructor):
        if weights.meta["categories"] is None:
            continue  # a body without a classifier, for detection
        fed = weights.transforms()
        accuracy = weights.meta["_metrics"]["ImageNet-1K"]
        # These networks go on to colours from -1 to 1 by themselves.
        inside, half = constructor in make_preprocessing.INSIDE, (0.5,) * 3
        yield {
            "tag": f"torchvision/{weights.name}",
            "url": weights.url,
            "sha256": digest(weights.url),
            "license": TORCHVISION_LICENSE,
            "side": fed.crop_size[0],
            "fit": "crop",
            "crop": NUMBERS(fed.crop_size[0] / fed.resize_size[0]),
            "interpolation": fed.interpolation.value,
            "mean": constants(half if inside else fed.mean),
            "std": constants(half if inside else fed.std),
            "classes": len(weights.meta["categories"]),
            "top1": accuracy["acc@1"],
        }


def from_timm(reference: str):
    architecture = reference.partition("/")[2]
    default = timm.models.get_pretrained_cfg(architecture)
    tags = _registry._model_pretrained_cfgs
    names = [name for name in tags if name.split(".")[0] == architecture]
    names.sort(key=lambda name: tags[name].tag != (default.tag if default else ""))
    for name in names:
        cfg = tags[name]
        if "." not in name or not (cfg.hf_hub_id or cfg.url) or not cfg.num_classes:
            continue
        yield {
            "tag": f"timm/{name}",
            "url": cfg.url or f"https://huggingface.co/{cfg.hf_hub_id}",
            "sha256": digest(cfg.url or ""),
            "hub": cfg.hf_hub_id or "",
            "license": cfg.license or "",
            "side": cfg.input_size[-1],
            "fit": "squash" if cfg.crop_mode == "squash" else "crop",
            "crop": NUMBERS(cfg.crop_pct),
            "interpolation": cfg.interpolation,
            "mean": constants(cfg.mean),
            "std": constants(cfg.std),
            "classes": cfg.num_classes,
        }


SOURCES = {"torchvision": from_torchvision, "timm": from_timm}


PINS = ("revision", "hub_sha256")


def pinned() -> dict[tuple[str, str], dict[str, str]]:
    with TARGET.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {(r["model"], r["tag"]): {key: r.get(key, "") for key in PINS} for r in rows}


def main() -> None:
    pins = pinned()
    with TARGET.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        for name in list_models(source="keras_cnnzoo"):
            variant = family_of(name).variants[name]
            for reference in (variant.reference, *variant.twins):
                read = SOURCES.get(reference.partition("/")[0])
                for row in read(reference) if read else ():
                    pin = pins.get((name, row["tag"]), {})
                    writer.writerow({"model": name} | row | pin)
    print(TARGET, len(TARGET.read_text().splitlines()) - 1, "sets of weights")


if __name__ == "__main__":
    main()
