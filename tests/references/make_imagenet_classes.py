"""Write the names of ImageNet's classes: `keras_cnnzoo/data/imagenet_classes.csv`.

    python tests/references/make_imagenet_classes.py

The WordNet ids of ILSVRC-2012, sorted, are the order of all networks. The English names
in that order, one for each class and no two alike, are torchvision's (BSD-3-Clause,
Copyright (c) Soumith Chintala 2016), taken from `torchvision/models/_meta.py`.
"""

import importlib.util
from pathlib import Path

import tensorflow_datasets

TARGET = Path(__file__).parents[2] / "keras_cnnzoo" / "data" / "imagenet_classes.csv"
#: The ids, sorted, as tensorflow-datasets ships them (Apache-2.0).
IDS = Path(tensorflow_datasets.__file__).parent / "image_classification"


def _english() -> list[str]:
    # Only this file: torchvision itself needs a PyTorch that was built with it.
    package = importlib.util.find_spec("torchvision")
    assert package is not None
    assert package.submodule_search_locations is not None
    path = Path(package.submodule_search_locations[0]) / "models" / "_meta.py"
    spec = importlib.util.spec_from_file_location("meta", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module._IMAGENET_CATEGORIES


def main() -> None:
    ids = (IDS / "imagenet_resized_labels.txt").read_text("ascii").split()
    rows = [f"{i},{name}" for i, name in zip(sorted(ids), _english(), strict=True)]
    TARGET.write_text("\n".join(["id,name", *rows]) + "\n", "ascii")


if __name__ == "__main__":
    main()
