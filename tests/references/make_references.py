"""Write what the references answer, with weights anybody can draw again.

    python tests/references/make_references.py                 every model
    python tests/references/make_references.py "resnet*"       those of a pattern

A model's card names its reference: torchvision's or timm's constructor, a function of
`keras.applications`, or a transcription of the paper in plain PyTorch under `papers/`.
The libraries are needed here and nowhere else. `stages/FAMILY.json` says which modules
of a reference give the maps that our stages must equal, and the sizes of the images
where the usual ones do not fit:

    {"sizes": [160, 97], "options": {}, "maps": {"torchvision/*": {"stage1": "layer1"}}}

"heads" are auxiliary ones: by our name, the module and the one whose map it takes.

Of a module that answers with several maps, "stage4#0" is the first; without a number
those of a tuple are joined.

Each file of `answers/` holds names and shapes of the parameters and, for each size,
logits and a sample of the maps.
"""

import fnmatch
import importlib.util
import itertools
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")
HERE = Path(__file__).parent

import keras  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402

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

from keras_cnnzoo import card, list_models  # noqa: E402
from keras_cnnzoo.registry import Card  # noqa: E402
from keras_cnnzoo.verify.comparison import TELLING, Answers, sample  # noqa: E402
from keras_cnnzoo.verify.drawing import (  # noqa: E402
    reference_images,
    reference_weights,
)

#: A side the strides divide, and one they do not.
SIZES = (160, 97)


def paper(family: str, name: str) -> torch.nn.Module:
    """Construct the transcription of a paper, from `papers/FAMILY.py`."""
    path = HERE / "papers" / f"{family}.py"
    spec = importlib.util.spec_from_file_location(f"papers_{family}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.model(name)


def construct(library: str, constructor: str, family: str) -> torch.nn.Module:
    if library == "timm":
        return timm.create_model(constructor)
    if library == "torchvision":
        extra = {"init_weights": False} if "ception" in constructor else {}
        extra |= {"init_weights": False} if constructor == "googlenet" else {}
        return getattr(torchvision.models, constructor)(weights=None, **extra)
    return paper(family, constructor)


VERSIONS = {
    "timm": timm.__version__,
    "torchvision": torchvision.__version__,
    "keras": keras.__version__,
}


def watch(model: torch.nn.Module, wanted: dict[str, str]) -> dict[str, np.ndarray]:
    """Have a model leave the maps of some modules, channels last, in a dictionary."""
    seen = {}

    def keep(stage, number):
        def hook(module, inputs, output):
            if number:
                output = output[int(number)]
            elif isinstance(output, tuple):
                output = torch.cat(output, 1)
            # A copy, since what follows may work in place.
            seen[stage] = output.detach().permute(0, 2, 3, 1).clone().numpy()

        return hook

    for stage, module in wanted.items():
        path, _, number = module.partition("#")
        model.get_submodule(path).register_forward_hook(keep(stage, number))
    return seen


class Torch:
    """A network of timm's, torchvision's or a paper's, in PyTorch."""

    def __init__(self, about: Card, maps: dict, heads: dict, seed: int = 0) -> None:
        library, _, constructor = about.reference.partition("/")
        name = constructor or about.name
        self.model = construct(library, name, about.family).eval()
        self.shapes = {k: tuple(v.shape) for k, v in self.model.state_dict().items()}
        drawn = reference_weights(self.shapes, seed)
        # Into its own, which may have a version noted.
        state = self.model.state_dict()
        state.update({k: torch.tensor(w) for k, w in drawn.items()})
        self.model.load_state_dict(state)
        self.seen = watch(self.model, maps)
        # Outside of training auxiliary heads are not asked.
        find = self.model.get_submodule
        self.heads = {key: find(head) for key, (head, _) in heads.items()}
        self.taps = watch(self.model, {key: tap for key, (_, tap) in heads.items()})

    def __call__(self, pixels: np.ndarray) -> tuple[Answers, Answers]:
        x = torch.tensor(np.moveaxis(pixels, -1, 1), dtype=torch.float32)
        with torch.no_grad():
            logits = {"": self.model(x).numpy()}
            for key, head in self.heads.items():
                tap = torch.tensor(np.moveaxis(self.taps[key], -1, 1))
                logits[key] = head(tap).numpy()
        return logits, self.seen


class Applications:
    """A network of Keras Applications; its maps are given by layers' names."""

    def __init__(self, about: Card, maps: dict, heads: dict, seed: int = 0) -> None:
        build = getattr(keras.applications, about.reference.partition("/")[2])
        options = {"input_shape": (None, None, 3), "include_top": False}
        body = build(weights=None, **options)
        x = keras.layers.GlobalAveragePooling2D()(body.output)
        logits = keras.layers.Dense(1000, name="predictions")(x)
        inner = {stage: body.get_layer(name).output for stage, name in maps.items()}
        self.model = keras.Model(body.input, {"logits": logits} | inner)
        self.shapes = {v.path: tuple(v.shape) for v in self.model.weights}
        drawn = reference_weights(self.shapes, seed)
        for variable in self.model.weights:
            variable.assign(drawn[variable.path])

    def __call__(self, pixels: np.ndarray) -> tuple[Answers, Answers]:
        answers = self.model.predict(pixels, verbose=0)
        return {"": answers.pop("logits")}, answers


def _answers(network, about: Card, sizes: list[int]) -> dict[str, np.ndarray]:
    depth = about.input_shape[-1]
    matrix, offset = about.preprocessing.affine(depth)
    answers = {}
    for size in sizes:
        logits, seen = network(reference_images(size, channels=depth) @ matrix + offset)
        answers |= {f"logits_{size}_{key}".rstrip("_"): x for key, x in logits.items()}
        answers |= {f"map_{size}_{s}": sample(maps) for s, maps in seen.items()}
    return answers


def _apart(logits: np.ndarray) -> float:
    """Return how far the answers to two images are, as a share of their spread."""
    return float(np.abs(np.subtract(*logits)).max() / np.ptp(logits))


def write(name: str) -> None:
    about = card(name)
    library = about.reference.partition("/")[0]
    path = HERE / "stages" / f"{about.family}.json"
    notes = json.loads(path.read_text()) if path.is_file() else {}
    maps = next(
        (
            maps
            for pattern, maps in notes.get("maps", {}).items()
            if fnmatch.fnmatchcase(about.reference, pattern)
        ),
        {},
    )
    kind = Applications if library == "keras" else Torch
    sizes = notes.get("sizes", SIZES)
    for seed in itertools.count():
        network = kind(about, maps, notes.get("heads", {}), seed)
        answers = _answers(network, about, sizes)
        # Weights with which a network answers alike to all images would show nothing.
        apart = min(_apart(answers[f"logits_{size}"]) for size in sizes)
        if apart >= TELLING:
            break
    kept = {
        "reference": about.reference,
        "version": VERSIONS.get(library, "").partition("+")[0],
        "sizes": sizes,
        "channels": about.input_shape[-1],
        "options": notes.get("options", {}),
        **({"seed": seed} if seed else {}),
        "shapes": network.shapes,
    }
    path = HERE / "answers" / f"{name}.npz"
    np.savez_compressed(path, about=np.array(json.dumps(kept)), **answers)
    print(path.name, path.stat().st_size, sizes, list(maps), flush=True)


def main() -> None:
    patterns = sys.argv[1:] or ["*"]
    for name in list_models(source="keras_cnnzoo"):
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            write(name)


if __name__ == "__main__":
    main()
