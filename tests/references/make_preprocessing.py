"""Write what the libraries make of pixels: `preprocessing.npz`.

    python tests/references/make_preprocessing.py

For the reference of each model of ours, timm's or torchvision's own evaluation
transform is given three images of one colour, and a photograph of scikit-learn's that
it has to resize and crop. Kept are the tensors' values, of the photograph a sample.
"""

import json
from pathlib import Path

import make_references  # noqa: F401  torchvision imports only after what this does
import numpy as np
import timm
import torchvision
from PIL import Image
from sklearn.datasets import load_sample_image
from timm.data import create_transform, resolve_data_config
from torchvision.models import get_model_weights

from keras_cnnzoo import card, list_models
from keras_cnnzoo.verify.comparison import sample

TARGET = Path(__file__).parent / "preprocessing.npz"
SHADES = (0, 128, 255)
PHOTOGRAPH = "china.jpg"
#: These change the colours once more, as their first step.
INSIDE = ("googlenet", "inception_v3")


def of_torchvision(name: str):
    """Return the transform of the first published weights, and its description."""
    weights = next(iter(get_model_weights(name)))
    transform, text = weights.transforms(), repr(weights.transforms())
    if name in INSIDE:
        inside = getattr(torchvision.models, name)(
            init_weights=False, transform_input=True
        )

        def both(image):
            return inside._transform_input(transform(image)[None])[0]

        return both, f"{text}, transform_input"
    return transform, text


def of_timm(name: str):
    """Return the transform of the default weights, and its description."""
    config = resolve_data_config(pretrained_cfg=timm.get_pretrained_cfg(name).to_dict())
    return create_transform(**config), json.dumps(config, sort_keys=True)


TRANSFORMS = {"torchvision": of_torchvision, "timm": of_timm}


def main() -> None:
    photograph = Image.fromarray(load_sample_image(PHOTOGRAPH))
    about, arrays = {}, {}
    for name in list_models(source="keras_cnnzoo"):
        library, _, theirs = card(name).reference.partition("/")
        if library not in TRANSFORMS:
            continue
        transform, text = TRANSFORMS[library](theirs)
        if text not in about:
            key = f"photograph_{len(about)}"
            maps = transform(photograph).numpy()
            arrays[key] = sample(np.moveaxis(maps, 0, -1))
            solid = {
                shade: transform(Image.new("RGB", (400, 400), (shade,) * 3))
                for shade in SHADES
            }
            about[text] = {
                "models": [],
                "sample": key,
                "size": maps.shape[-1],
                "solid": {s: x[:, 0, 0].tolist() for s, x in solid.items()},
            }
        about[text]["models"].append(name)
    kept = {"photograph": PHOTOGRAPH, "transforms": list(about.values())}
    np.savez_compressed(TARGET, about=np.array(json.dumps(kept)), **arrays)
    print(TARGET.name, TARGET.stat().st_size, len(about), "transforms")


if __name__ == "__main__":
    main()
