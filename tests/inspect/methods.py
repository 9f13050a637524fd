"""The methods of attribution, by name, as their tests call them."""

import numpy as np
from keras import ops

from keras_cnnzoo import inspect
from keras_cnnzoo.backend.forward import compiled
from keras_cnnzoo.inspect.attribution.logits import answer_in_logits

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


def logits(model, images):
    """Return the logits of a model, from a pass like those of attributions."""
    run = compiled(model, lambda x: answer_in_logits(model, x), always=True)
    return ops.convert_to_numpy(run(np.asarray(images, "float32"))[0])
