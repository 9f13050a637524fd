"""Transfer a network of Keras Applications to new classes.

The network is first trained on the digits 0 to 5, unless `--weights imagenet` downloads
weights that were trained on photographs. The new classes are the digits 6 to 9.

Example:
    python examples/transfer.py
    python examples/transfer.py --model keras_mobilenetv2 --weights imagenet
"""

import argparse
from typing import Any

import keras
import numpy as np

from keras_cnnzoo import build, data, inspect, weights
from keras_cnnzoo.training import freeze, unfreeze

OLD, NEW = range(6), range(6, 10)


def digits_among(classes: range, side: int, seed: int) -> data.Splits:
    """Return the digits of some classes, with labels from 0 and three channels."""
    everything = data.load("digits", validation=None)
    chosen = {}
    for split in ("train", "test"):
        images, labels = everything.split(split).arrays()
        kept = np.isin(labels, classes)
        chosen[split] = (images[kept], labels[kept] - classes[0])
    return data.load(chosen, image_size=side, channels=3, augment="digits", seed=seed)


def fit(
    model: keras.Model, images: data.Splits, *, epochs: int, learning_rate: float
) -> float:
    """Train the layers that are not frozen; return the accuracy on the test images."""
    # Keras's 0.99 averages over hundreds of batches, more than this training has.
    for layer in inspect.sublayers(model, keras.layers.BatchNormalization):
        layer.momentum = 0.9
    train, test = images.split("train"), images.split("test")
    steps = epochs * len(train)
    model.compile(
        keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(learning_rate, steps)
        ),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(train, epochs=epochs, verbose=2)
    _, accuracy = model.evaluate(test.ordered(), verbose=0)
    return accuracy


def main() -> None:
    """Train the new head alone, then all layers at a lower learning rate."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--model", default="keras_mobilenet", help="default: keras_mobilenet"
    )
    parser.add_argument(
        "--weights", choices=["imagenet"], help="start from these; needs a network"
    )
    parser.add_argument(
        "--epochs", type=int, default=6, help="of each part; default: 6"
    )
    parser.add_argument(
        "--side", type=int, default=64, help="of the images, in pixels; default: 64"
    )
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    args = parser.parse_args()

    keras.utils.set_random_seed(args.seed)
    shape = (args.side, args.side, 3)
    # A quarter of MobileNet's channels trains quickly.
    options: dict[str, Any] = {"alpha": 0.25} if args.model == "keras_mobilenet" else {}

    model = build(
        args.model,
        input_shape=shape,
        classes=len(NEW),
        weights=args.weights,
        **options,
    )
    if args.weights is None:
        print(f"digits {OLD[0]} to {OLD[-1]}, all layers train")
        old_model = build(args.model, input_shape=shape, classes=len(OLD), **options)
        old = digits_among(OLD, args.side, args.seed)
        known = fit(old_model, old, epochs=2 * args.epochs, learning_rate=3e-3)
        print(f"test accuracy {known:.2%} of {old.split('test').num_examples} digits")
        learnt = {w.path: keras.ops.convert_to_numpy(w) for w in old_model.weights}
        # The head has other classes, so it keeps its initial weights.
        print(weights.load(model, learnt, strict=False))

    images = digits_among(NEW, args.side, args.seed)
    freeze(model)
    print(f"digits {NEW[0]} to {NEW[-1]}, the head trains")
    head = fit(model, images, epochs=args.epochs, learning_rate=1e-2)
    unfreeze(model)
    print(f"digits {NEW[0]} to {NEW[-1]}, all layers train, at a lower rate")
    tuned = fit(model, images, epochs=args.epochs, learning_rate=1e-3)
    print(
        f"test accuracy {tuned:.2%} of {images.split('test').num_examples} digits; "
        f"{head:.2%} with the head alone"
    )


if __name__ == "__main__":
    main()
