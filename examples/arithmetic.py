"""Compute the sizes, receptive fields, costs and gradients of a convolutional network.

Example:
    python examples/arithmetic.py
    python examples/arithmetic.py --model resnet18
"""

import argparse

import keras
import numpy as np
from keras import layers, ops

from keras_cnnzoo import build, data, inspect
from keras_cnnzoo.layers import BlurPool2D, ImageFilter2D


def sizes() -> None:
    """Print output sizes in ResNet-50, and the padding that keeps the size."""
    conv = inspect.conv_output_size(224, 7, stride=2, padding=3)
    pool = inspect.pool_output_size(conv, 3, stride=2, padding=1)
    print(f"224 pixels, kernel 7, stride 2: {conv}; pooled by 3, stride 2: {pool}")
    print(f"a kernel of 5 keeps the size with a padding of {inspect.same_padding(5)}")
    dense = inspect.dense_equivalent((100, 100), 1000)
    print(f"100 x 100 pixels, connected to 1,000 neurons: {dense:,} connections")


def gradients(image: np.ndarray) -> None:
    """Show that a convolution is a matrix product, and its gradients convolutions."""
    rng = np.random.default_rng(0)
    x, kernel = image[None], rng.normal(size=(3, 3, 1, 4)).astype("float32")
    shown = inspect.conv_as_matmul(x, kernel)
    rows, columns = shown.patches.shape, shown.kernel.shape
    apart = ops.max(ops.abs(shown.output - ops.conv(x, kernel, padding="valid")))
    print(f"patches {tuple(rows)} x kernel {tuple(columns)}: off by {float(apart):.1g}")
    # Add 1 to one weight of the kernel: the output's sum grows by that gradient.
    found = inspect.conv_gradients(x, kernel, ops.ones_like(shown.output)).kernel
    moved = kernel.copy()
    moved[0, 0, 0, 0] += 1
    more = ops.sum(ops.conv(x, moved, padding="valid")) - ops.sum(shown.output)
    print(f"gradient {float(found[0, 0, 0, 0]):.3f}, measured {float(more):.3f}")


def shifts(images: np.ndarray) -> None:
    """Show that features shift with the image, more exactly after a blur."""
    ways = {
        "max": [layers.MaxPooling2D(2)],
        "max, then blur": [
            layers.MaxPooling2D(2, strides=1, padding="same"),
            BlurPool2D(3),
        ],
    }
    for name, pooling in ways.items():
        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [
                keras.Input(images.shape[1:]),
                layers.Conv2D(8, 3, padding="same", activation="relu"),
                *pooling,
                layers.GlobalAveragePooling2D(),
                layers.Dense(10),
            ]
        )
        for shift in (1, 2):
            found = inspect.equivariance(model, images, shift)
            print(
                f"{name}: shifted by {shift}, features differ by {found.distance:.2f}"
            )


def main() -> None:
    """Print all of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="lenet5", help="default: lenet5")
    args = parser.parse_args()
    images, _ = data.load("digits", image_size=8).split("test").arrays()
    images = np.asarray(images[:32], "float32") / 255

    sizes()
    print()
    model = build(args.model)
    print(inspect.profile(model))
    print()
    for path, field in inspect.receptive_field(model).items():
        if field.stride[0]:
            print(f"{path}: receptive field {field.size[0]}, stride {field.stride[0]}")
    print()
    gradients(images[0])
    edges = ops.max(ImageFilter2D("sobel_x", padding="valid")(images), (1, 2, 3))
    steepest = int(ops.argmax(edges))
    print(f"digit {steepest} of {len(images)} has the strongest vertical edge")
    print()
    shifts(images)


if __name__ == "__main__":
    main()
