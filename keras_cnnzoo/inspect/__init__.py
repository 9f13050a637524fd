"""Inspect any Keras model. Nothing here depends on the models of the zoo."""

from typing import TYPE_CHECKING, Any

from keras_cnnzoo.backend.heap import keep_memory
from keras_cnnzoo.inspect.arithmetic.conv_gradients import ConvGradients, conv_gradients
from keras_cnnzoo.inspect.arithmetic.convolution import convolve, correlate
from keras_cnnzoo.inspect.arithmetic.matmul import ConvAsMatmul, conv_as_matmul
from keras_cnnzoo.inspect.arithmetic.sizes import (
    conv_output_size,
    padding_for,
    pool_output_size,
    same_padding,
    transposed_output_size,
)
from keras_cnnzoo.inspect.attribution import (
    deep_dream,
    eigen_cam,
    grad_cam,
    grad_cam_pp,
    integrated_gradients,
    layer_cam,
    maximise,
    occlusion,
    saliency,
    score_cam,
    smooth_grad,
)
from keras_cnnzoo.inspect.cost.counting import count_macs, count_params
from keras_cnnzoo.inspect.cost.memory import Memory
from keras_cnnzoo.inspect.cost.profile import dense_equivalent, profile
from keras_cnnzoo.inspect.cost.table import Profile, Row
from keras_cnnzoo.inspect.field.equivariance import Equivariance, equivariance
from keras_cnnzoo.inspect.field.receptive_field import ReceptiveField, receptive_field
from keras_cnnzoo.inspect.figures import (
    plot_activations,
    plot_attribution,
    plot_confusion,
    plot_dataflow,
    plot_filters,
    plot_history,
    plot_receptive_field,
)
from keras_cnnzoo.inspect.hooks.activation_stats import ActivationStats
from keras_cnnzoo.inspect.hooks.activations import activations
from keras_cnnzoo.inspect.hooks.recording import set_record, statistics
from keras_cnnzoo.inspect.hooks.reductions import Counts, Histogram, TopImages, TopK
from keras_cnnzoo.inspect.hooks.tap import tap
from keras_cnnzoo.inspect.report import explain
from keras_cnnzoo.internals.calls import observe
from keras_cnnzoo.other_names import INSPECT, missing
from keras_cnnzoo.structure.paths import CONVOLUTION, find, layer_paths
from keras_cnnzoo.structure.walk import sublayers
from keras_cnnzoo.surgery import instrument, plain

__all__ = [
    "CONVOLUTION",
    "ActivationStats",
    "ConvAsMatmul",
    "ConvGradients",
    "Counts",
    "Equivariance",
    "Histogram",
    "Memory",
    "Profile",
    "ReceptiveField",
    "Row",
    "TopImages",
    "TopK",
    "activations",
    "conv_as_matmul",
    "conv_gradients",
    "conv_output_size",
    "convolve",
    "correlate",
    "count_macs",
    "count_params",
    "deep_dream",
    "dense_equivalent",
    "eigen_cam",
    "equivariance",
    "explain",
    "find",
    "grad_cam",
    "grad_cam_pp",
    "instrument",
    "integrated_gradients",
    "keep_memory",
    "layer_cam",
    "layer_paths",
    "maximise",
    "observe",
    "occlusion",
    "padding_for",
    "plain",
    "plot_activations",
    "plot_attribution",
    "plot_confusion",
    "plot_dataflow",
    "plot_filters",
    "plot_history",
    "plot_receptive_field",
    "pool_output_size",
    "profile",
    "receptive_field",
    "saliency",
    "same_padding",
    "score_cam",
    "set_record",
    "smooth_grad",
    "statistics",
    "sublayers",
    "tap",
    "transposed_output_size",
]


if not TYPE_CHECKING:  # type checkers know the names above, and no others

    def __getattr__(name: str) -> Any:
        raise AttributeError(missing(__name__, name, __all__, INSPECT))


def __dir__() -> list[str]:
    return sorted(__all__)
