"""Write what torchvision and timm answer, with weights anybody can draw again.

    python tests/references/make_references.py            every row of the table
    python tests/references/make_references.py alexnet    these only

Both libraries are needed here and nowhere else. Each file holds the names and shapes
of the parameters and, for each image size, the logits of `reference_images`. The
weights are drawn again from the names by whoever compares with them.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from weights import reference_images, reference_weights

# torchvision's compiled operators do not exist beside the CPU build of PyTorch, and
# its import fails without their names. No classifier calls them.
_OPERATORS = torch.library.Library("torchvision", "DEF")
for _signature in (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "roi_align(Tensor input, Tensor rois, float spatial_scale, int pooled_height, "
    "int pooled_width, int sampling_ratio, bool aligned) -> Tensor",
):
    _OPERATORS.define(_signature)

import timm  # noqa: E402
import torchvision  # noqa: E402

#: name: (library, the constructor's name there, sizes of the images)
TABLE = {
    "alexnet": ("torchvision", "alexnet", (224, 160)),
    "vgg16_bn": ("torchvision", "vgg16_bn", (224,)),
    "resnet18": ("torchvision", "resnet18", (224, 225)),
    "resnet50": ("torchvision", "resnet50", (224, 97)),
    "resnet50_v2": ("timm", "resnetv2_50", (224, 97)),
}

MEAN = np.array([0.485, 0.456, 0.406])
STD = np.array([0.229, 0.224, 0.225])


def construct(library: str, constructor: str) -> torch.nn.Module:
    if library == "timm":
        return timm.create_model(constructor)
    return getattr(torchvision.models, constructor)()


def write(name: str) -> None:
    library, constructor, sizes = TABLE[name]
    model = construct(library, constructor).eval()
    shapes = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    weights = reference_weights(shapes)
    model.load_state_dict({key: torch.tensor(w) for key, w in weights.items()})
    answers = {}
    for size in sizes:
        pixels = (reference_images(size) / 255 - MEAN) / STD
        x = torch.tensor(np.moveaxis(pixels, -1, 1), dtype=torch.float32)
        with torch.no_grad():
            answers[f"logits_{size}"] = model(x).numpy()
    path = Path(__file__).with_name(f"{name}.npz")
    np.savez_compressed(path, shapes=np.array(json.dumps(shapes)), **answers)
    print(path.name, path.stat().st_size, {k: np.ptp(v) for k, v in answers.items()})


if __name__ == "__main__":
    for row in sys.argv[1:] or TABLE:
        write(row)
