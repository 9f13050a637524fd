"""Layers to drop into any Keras model. Each depends on Keras alone."""

from keras_cnnzoo.layers.activations import scaled_tanh
from keras_cnnzoo.layers.adaptive_pooling import AdaptivePooling2D
from keras_cnnzoo.layers.attention import (
    ConvolutionalBlockAttention,
    EfficientChannelAttention,
    SqueezeExcite,
)
from keras_cnnzoo.layers.blur import BlurPool2D
from keras_cnnzoo.layers.global_pooling import (
    GlobalGeMPooling2D,
    GlobalLpPooling1D,
    GlobalLpPooling2D,
    GlobalLpPooling3D,
)
from keras_cnnzoo.layers.highway import HighwayBlock
from keras_cnnzoo.layers.image_filter import ImageFilter2D
from keras_cnnzoo.layers.initializers import FanInUniform
from keras_cnnzoo.layers.instrumented import InstrumentedConv2D, record_maps
from keras_cnnzoo.layers.join import DropPathColumn, DropPathMean
from keras_cnnzoo.layers.layer_scale import LayerScale
from keras_cnnzoo.layers.local_response import LocalResponseNormalization
from keras_cnnzoo.layers.normalization import ColorNormalization
from keras_cnnzoo.layers.origin import ModelOrigin
from keras_cnnzoo.layers.padded_pooling import PaddedMaxPooling2D
from keras_cnnzoo.layers.partial import PartialConv2D
from keras_cnnzoo.layers.pooling import (
    L2NormPooling1D,
    L2NormPooling2D,
    L2NormPooling3D,
    LpPooling1D,
    LpPooling2D,
    LpPooling3D,
)
from keras_cnnzoo.layers.rbf import EuclideanRBF
from keras_cnnzoo.layers.regularization import DropPath
from keras_cnnzoo.layers.residual import ResidualBlock
from keras_cnnzoo.layers.response_normalization import GlobalResponseNormalization
from keras_cnnzoo.layers.shuffle import ChannelShuffle
from keras_cnnzoo.layers.skip_init import SkipInit
from keras_cnnzoo.layers.split_attention import SplitAttention
from keras_cnnzoo.layers.subsampling import Subsampling2D
from keras_cnnzoo.layers.weight_standardization import WeightStandardizedConv2D

__all__ = [
    "AdaptivePooling2D",
    "BlurPool2D",
    "ChannelShuffle",
    "ColorNormalization",
    "ConvolutionalBlockAttention",
    "DropPath",
    "DropPathColumn",
    "DropPathMean",
    "EfficientChannelAttention",
    "EuclideanRBF",
    "FanInUniform",
    "GlobalGeMPooling2D",
    "GlobalLpPooling1D",
    "GlobalLpPooling2D",
    "GlobalLpPooling3D",
    "GlobalResponseNormalization",
    "HighwayBlock",
    "ImageFilter2D",
    "InstrumentedConv2D",
    "L2NormPooling1D",
    "L2NormPooling2D",
    "L2NormPooling3D",
    "LayerScale",
    "LocalResponseNormalization",
    "LpPooling1D",
    "LpPooling2D",
    "LpPooling3D",
    "ModelOrigin",
    "PaddedMaxPooling2D",
    "PartialConv2D",
    "ResidualBlock",
    "SkipInit",
    "SplitAttention",
    "SqueezeExcite",
    "Subsampling2D",
    "WeightStandardizedConv2D",
    "record_maps",
    "scaled_tanh",
]
