"""Import timm and torchvision for comparison, also beside the CPU build of PyTorch.

torchvision's compiled operators do not exist there, and its import fails without their
names. Nothing that is compared here calls them.
"""

import importlib
import importlib.util
import sys
from types import ModuleType

import pytest

SIGNATURES = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "roi_align(Tensor input, Tensor rois, float spatial_scale, int pooled_height, "
    "int pooled_width, int sampling_ratio, bool aligned) -> Tensor",
)
#: PyTorch forgets operators when the library that defines them is gone.
_DEFINED = []


def reference(name: str) -> ModuleType:
    """Return a module of timm or torchvision; skip the test where it is missing."""
    package = name.partition(".")[0]
    for needed in ("torch", "torchvision", package):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed, with which this is compared")
    try:
        importlib.import_module("torchvision")
    except RuntimeError:
        _define()
    return importlib.import_module(name)


def _define() -> None:
    import torch

    _DEFINED.append(torch.library.Library("torchvision", "DEF"))
    for signature in SIGNATURES:
        _DEFINED[0].define(signature)
    for name in [n for n in sys.modules if n.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
