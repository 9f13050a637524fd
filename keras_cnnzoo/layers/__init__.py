"""Layers to drop into any Keras model. Each depends on Keras alone.

Every name imported here is public. `import X as X` tells type checkers so.
"""

from types import ModuleType as _Module

from keras_cnnzoo import plugins as _plugins
from keras_cnnzoo.layers.activations import scaled_tanh as scaled_tanh
from keras_cnnzoo.layers.adaptive_pooling import AdaptivePooling2D as AdaptivePooling2D
from keras_cnnzoo.layers.attention import (
    ConvolutionalBlockAttention as ConvolutionalBlockAttention,
)
from keras_cnnzoo.layers.attention import (
    EfficientChannelAttention as EfficientChannelAttention,
)
from keras_cnnzoo.layers.attention import SqueezeExcite as SqueezeExcite
from keras_cnnzoo.layers.blur import BlurPool2D as BlurPool2D
from keras_cnnzoo.layers.global_pooling import GlobalGeMPooling2D as GlobalGeMPooling2D
from keras_cnnzoo.layers.global_pooling import GlobalLpPooling1D as GlobalLpPooling1D
from keras_cnnzoo.layers.global_pooling import GlobalLpPooling2D as GlobalLpPooling2D
from keras_cnnzoo.layers.global_pooling import GlobalLpPooling3D as GlobalLpPooling3D
from keras_cnnzoo.layers.highway import HighwayBlock as HighwayBlock
from keras_cnnzoo.layers.image_filter import ImageFilter2D as ImageFilter2D
from keras_cnnzoo.layers.initializers import FanInUniform as FanInUniform
from keras_cnnzoo.layers.instrumented import InstrumentedConv2D as InstrumentedConv2D
from keras_cnnzoo.layers.instrumented import record_maps as record_maps
from keras_cnnzoo.layers.join import DropPathColumn as DropPathColumn
from keras_cnnzoo.layers.join import DropPathMean as DropPathMean
from keras_cnnzoo.layers.layer_scale import LayerScale as LayerScale
from keras_cnnzoo.layers.local_response import (
    LocalResponseNormalization as LocalResponseNormalization,
)
from keras_cnnzoo.layers.normalization import ColorNormalization as ColorNormalization
from keras_cnnzoo.layers.origin import ModelOrigin as ModelOrigin
from keras_cnnzoo.layers.padded_pooling import PaddedMaxPooling2D as PaddedMaxPooling2D
from keras_cnnzoo.layers.partial import PartialConv2D as PartialConv2D
from keras_cnnzoo.layers.pooling import L2NormPooling1D as L2NormPooling1D
from keras_cnnzoo.layers.pooling import L2NormPooling2D as L2NormPooling2D
from keras_cnnzoo.layers.pooling import L2NormPooling3D as L2NormPooling3D
from keras_cnnzoo.layers.pooling import LpPooling1D as LpPooling1D
from keras_cnnzoo.layers.pooling import LpPooling2D as LpPooling2D
from keras_cnnzoo.layers.pooling import LpPooling3D as LpPooling3D
from keras_cnnzoo.layers.rbf import EuclideanRBF as EuclideanRBF
from keras_cnnzoo.layers.regularization import DropPath as DropPath
from keras_cnnzoo.layers.residual import ResidualBlock as ResidualBlock
from keras_cnnzoo.layers.response_normalization import (
    GlobalResponseNormalization as GlobalResponseNormalization,
)
from keras_cnnzoo.layers.shuffle import ChannelShuffle as ChannelShuffle
from keras_cnnzoo.layers.skip_init import SkipInit as SkipInit
from keras_cnnzoo.layers.split_attention import SplitAttention as SplitAttention
from keras_cnnzoo.layers.subsampling import Subsampling2D as Subsampling2D
from keras_cnnzoo.layers.weight_standardization import (
    WeightStandardizedConv2D as WeightStandardizedConv2D,
)

__all__ = [  # pyright: ignore[reportUnsupportedDunderAll]
    name
    for name, thing in sorted(globals().items())
    if not name.startswith("_") and not isinstance(thing, _Module)
]

# Importing this package also registers the layers of plugins.
_plugins.import_modules()
