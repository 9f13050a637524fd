"""Attribution for any Keras model: which pixels support its prediction."""

from keras_cnnzoo.inspect.attribution.cam import (
    eigen_cam,
    grad_cam,
    grad_cam_pp,
    layer_cam,
)
from keras_cnnzoo.inspect.attribution.dream import deep_dream
from keras_cnnzoo.inspect.attribution.gradients import (
    integrated_gradients,
    saliency,
    smooth_grad,
)
from keras_cnnzoo.inspect.attribution.maximisation import maximise
from keras_cnnzoo.inspect.attribution.perturbation import occlusion, score_cam

__all__ = [
    "deep_dream",
    "eigen_cam",
    "grad_cam",
    "grad_cam_pp",
    "integrated_gradients",
    "layer_cam",
    "maximise",
    "occlusion",
    "saliency",
    "score_cam",
    "smooth_grad",
]
