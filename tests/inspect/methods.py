"""The methods of attribution, by name, as their tests call them."""

from keras_cnnzoo import inspect

#: Each method, and options that make it quick.
METHODS = {
    "grad_cam": {},
    "grad_cam_pp": {},
    "score_cam": {},
    "layer_cam": {},
    "eigen_cam": {},
    "saliency": {},
    "smooth_grad": {"samples": 3},
    "integrated_gradients": {"steps": 4},
    "occlusion": {"window": 8, "stride": 8},
}


def draw(method, model, images, target=None, layer=None, **options):
    return getattr(inspect, method)(
        model, images, target, layer, **METHODS[method] | options
    )
