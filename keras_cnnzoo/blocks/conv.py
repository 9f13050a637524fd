"""Convolution, batch norm and activation as one step."""

from keras import layers

from keras_cnnzoo.blocks.axes import channel_axis

#: The papers' (and PyTorch's) constants; Keras's own 0.99 and 1e-3 are not theirs.
BATCH_NORM = {"momentum": 0.9, "epsilon": 1e-5}


def batch_norm(x, *, name: str, **kwargs):
    """Normalise over the batch, along the configured channel axis."""
    return layers.BatchNormalization(
        channel_axis(), **(BATCH_NORM | kwargs), name=name
    )(x)


def conv(x, filters: int, kernel: int, *, stride: int = 1, name: str, **kwargs):
    """Convolve; unless `padding` says otherwise, the size is `ceil(size / stride)`.

    Strided convolutions pad both sides equally, as Caffe and PyTorch do. Keras
    "same" would pad one side only, and published weights would be off by a pixel.
    """
    if "padding" not in kwargs:
        symmetric = stride > 1 and kernel > 1
        kwargs["padding"] = "valid" if symmetric else "same"
        if symmetric:
            x = layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(x)
    kwargs.setdefault("kernel_initializer", "he_normal")
    return layers.Conv2D(filters, kernel, strides=stride, name=name, **kwargs)(x)


def conv_bn(x, filters: int, kernel: int, *, activation="relu", name: str, **kwargs):
    """Convolve without bias, normalise, activate: `{name}_conv`, `_bn`, `_relu`."""
    x = conv(x, filters, kernel, use_bias=False, name=f"{name}_conv", **kwargs)
    x = batch_norm(x, name=f"{name}_bn")
    if activation:
        x = layers.Activation(activation, name=f"{name}_{activation}")(x)
    return x
