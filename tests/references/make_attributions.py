"""Write the maps that other libraries draw, with weights anybody can draw again.

    python tests/references/make_attributions.py

pytorch-grad-cam, torchcam and captum are needed here and nowhere else. Where they
differ, these are the ways followed, and `attributions.npz` says so by its names:

- Grad-CAM, LayerCAM: all three agree. pytorch-grad-cam stretches its maps to 0..1
  before and after they are interpolated, torchcam before; once, after, is the same as
  the first.
- Grad-CAM++: pytorch-grad-cam, equation 19 of the paper. torchcam 0.5.0 divides a copy
  (`alpha[mask].div_`), so that its weights are sums of cubed gradients.
- Score-CAM: torchcam, which stretches the masks and interpolates centres on centres.
  pytorch-grad-cam interpolates corners on corners, then stretches.
- Eigen-CAM: pytorch-grad-cam's projection. Its sign is what the decomposition happens
  to give; its own sign correction settles it.
- Saliency, SmoothGrad, integrated gradients, occlusion: captum. It leaves the channels
  apart; the largest size of them is kept of a gradient, the sum of integrated
  gradients, any one of an occlusion whose windows cover them all.
"""

import json
from importlib.metadata import version
from pathlib import Path

import make_references  # torchvision imports only after what this does
import numpy as np
import pytorch_grad_cam
import torch
import torchcam.methods
from captum import attr
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from pytorch_grad_cam.utils.svd_on_activations import (
    get_2d_projection_with_sign_correction,
)
from torch.nn import functional

from keras_cnnzoo import card
from keras_cnnzoo.verify.drawing import reference_images, reference_weights

TARGET = Path(__file__).parent / "attributions.npz"
#: Model: side of the images, classes to explain, our layer and the library's.
CASES = {
    "cifar_resnet20": (32, [3, 7], "stage3_block3", "layer3"),
    "resnet18": (64, [720], "stage3_block2", "layer3"),
}
WINDOW, STRIDE = 10, 4
#: Where an image lies within rounding of the edge of a ReLU, no two backends agree on
#: its gradient, by up to a hundredth. With these numbers none does.
SAMPLES, DEVIATION, STEPS = 6, 0.3, 24


def cam(method: str, net, layer, x, targets) -> np.ndarray:
    """Return pytorch-grad-cam's maps, in 0..1 at the images' size."""
    kind = getattr(pytorch_grad_cam, method)
    with kind(net, [layer]) as draw:
        return draw(x, [ClassifierOutputTarget(target) for target in targets])


def eigen_cam(net, layer, x, targets) -> np.ndarray:
    """Return pytorch-grad-cam's Eigen-CAM with its own sign correction."""
    kept = []
    hook = layer.register_forward_hook(lambda *call: kept.append(call[2].detach()))
    net(x)
    hook.remove()
    drawn = get_2d_projection_with_sign_correction(kept[0].numpy())
    size = (x.shape[-1], x.shape[-2])
    return scale_cam_image(scale_cam_image(np.maximum(drawn, 0), size))


def torch_cam(method: str, net, layer, x, targets) -> np.ndarray:
    """Return torchcam's maps, interpolated and then stretched to 0..1."""
    with getattr(torchcam.methods, method)(net, layer) as extract:
        drawn = extract(targets, net(x), normalized=False)[0].detach()
    return stretch(larger(drawn[:, None], x))


def larger(maps: torch.Tensor, x: torch.Tensor) -> np.ndarray:
    """Interpolate as torchcam fuses maps of several layers."""
    size = x.shape[-2:]
    return functional.interpolate(
        maps, size, mode="bilinear", align_corners=False
    ).numpy()[:, 0]


def stretch(maps: np.ndarray) -> np.ndarray:
    low, high = maps.min((1, 2), keepdims=True), maps.max((1, 2), keepdims=True)
    return (maps - low) / (high - low)


def layer_grad_cam(net, layer, x, targets) -> np.ndarray:
    """Return captum's Grad-CAM as it is, signed."""
    drawn = attr.LayerGradCam(net, layer).attribute(x, target=targets)
    return larger(drawn.detach(), x)


def saliency(net, layer, x, targets) -> np.ndarray:
    return attr.Saliency(net).attribute(x, target=targets).amax(1).numpy()


def smooth_grad(net, layer, x, targets) -> np.ndarray:
    """Return captum's, with the noise that `noise` draws."""
    normal = torch.normal
    drawn = torch.tensor(noise(x.shape[1:]))
    torch.normal = lambda mean, std: drawn.repeat(len(x), 1, 1, 1)
    try:
        tunnel = attr.NoiseTunnel(attr.Saliency(net))
        mean = tunnel.attribute(x, nt_samples=SAMPLES, target=targets, abs=False)
    finally:
        torch.normal = normal
    return mean.abs().amax(1).numpy()


def noise(shape) -> np.ndarray:
    """Draw noise of `DEVIATION`, by name as weights are drawn."""
    ones = reference_weights({"noise.bias": (SAMPLES * int(np.prod(shape)),)})
    values = ones["noise.bias"].reshape(SAMPLES, *shape)
    return values * (DEVIATION / values.std())


def integrated_gradients(net, layer, x, targets) -> np.ndarray:
    way = attr.IntegratedGradients(net)
    return way.attribute(x, target=targets, n_steps=STEPS).sum(1).detach().numpy()


def layer_integrated_gradients(net, layer, x, targets) -> np.ndarray:
    way = attr.LayerIntegratedGradients(net, layer)
    drawn = way.attribute(x, target=targets, n_steps=STEPS)
    return larger(drawn.sum(1, keepdim=True).detach(), x)


def occlusion(net, layer, x, targets) -> np.ndarray:
    drawn = attr.Occlusion(net).attribute(
        x,
        target=targets,
        sliding_window_shapes=(3, WINDOW, WINDOW),
        strides=(3, STRIDE, STRIDE),
    )
    return drawn[:, 0].detach().numpy()


METHODS = {
    "pytorch-grad-cam/grad_cam": lambda *case: cam("GradCAM", *case),
    "pytorch-grad-cam/grad_cam_pp": lambda *case: cam("GradCAMPlusPlus", *case),
    "pytorch-grad-cam/layer_cam": lambda *case: cam("LayerCAM", *case),
    "pytorch-grad-cam/eigen_cam": eigen_cam,
    "pytorch-grad-cam/score_cam": lambda *case: cam("ScoreCAM", *case),
    "torchcam/grad_cam": lambda *case: torch_cam("GradCAM", *case),
    "torchcam/layer_cam": lambda *case: torch_cam("LayerCAM", *case),
    "torchcam/score_cam": lambda *case: torch_cam("ScoreCAM", *case),
    "captum/grad_cam": layer_grad_cam,
    "captum/saliency": saliency,
    "captum/smooth_grad": smooth_grad,
    "captum/integrated_gradients": integrated_gradients,
    "captum/layer_integrated_gradients": layer_integrated_gradients,
    "captum/occlusion": occlusion,
}


def main() -> None:
    about, arrays = {}, {}
    for name, (size, targets, ours, theirs) in CASES.items():
        model = card(name)
        library, _, constructor = model.reference.partition("/")
        net = make_references.construct(library, constructor, model.family).eval()
        shapes = {key: tuple(value.shape) for key, value in net.state_dict().items()}
        drawn = reference_weights(shapes)
        net.load_state_dict({key: torch.tensor(value) for key, value in drawn.items()})
        matrix, offset = model.preprocessing.affine(3)
        pixels = reference_images(size, len(targets)) @ matrix + offset
        x = torch.tensor(np.moveaxis(pixels, -1, 1), dtype=torch.float32)
        about[name] = {
            "size": size,
            "targets": targets,
            "layer": ours,
            "shapes": shapes,
        }
        for method, draw in METHODS.items():
            maps = draw(net, net.get_submodule(theirs), x, targets)
            assert maps.shape == (len(targets), size, size), (method, maps.shape)
            arrays[f"{name}/{method}"] = maps.astype("float32")
            print(name, method, float(maps.min()), float(maps.max()), flush=True)
    packages = ("grad-cam", "torchcam", "captum", "torchvision")
    about["versions"] = {package: version(package) for package in packages}
    about["options"] = {
        "samples": SAMPLES,
        "deviation": DEVIATION,
        "steps": STEPS,
        "window": WINDOW,
        "stride": STRIDE,
    }
    np.savez_compressed(TARGET, about=np.array(json.dumps(about)), **arrays)


if __name__ == "__main__":
    main()
