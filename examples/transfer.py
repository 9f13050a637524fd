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
from keras_cnnzoo.training import fine_tune, linear_probe

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


def prepare(model: keras.Model, steps: int, learning_rate: float) -> keras.Model:
    """Compile a model with a learning rate that falls to zero."""
    # Keras's 0.99 averages over hundreds of batches, more than this training has.
    for layer in inspect.sublayers(model, keras.layers.BatchNormalization):
        layer.momentum = 0.9
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def accuracy(model: keras.Model, images: data.Splits) -> float:
    """Return the accuracy on the test images."""
    _, share = model.evaluate(images.split("test").ordered(), verbose=0)
    return share


def main() -> None:
    """Train the new head alone, then all layers at lower learning rates."""
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
        first, epochs = old.split("train"), 2 * args.epochs
        prepare(old_model, epochs * len(first), learning_rate=3e-3)
        old_model.fit(first, epochs=epochs, verbose=2)
        known = accuracy(old_model, old)
        print(f"test accuracy {known:.2%} of {old.split('test').num_examples} digits")
        learnt = {w.path: keras.ops.convert_to_numpy(w) for w in old_model.weights}
        # The head has other classes, so it keeps its initial weights.
        print(weights.load(model, learnt, strict=False))

    images = digits_among(NEW, args.side, args.seed)
    train, epochs = images.split("train"), args.epochs
    steps = epochs * len(train)
    print(f"digits {NEW[0]} to {NEW[-1]}, the head trains")
    prepare(model, steps, learning_rate=1e-2)
    linear_probe(model, train, epochs=epochs, verbose=2)
    head = accuracy(model, images)
    print(f"digits {NEW[0]} to {NEW[-1]}, all layers train, early ones at lower rates")
    prepare(model, steps, learning_rate=1e-3)
    fine_tune(model, train, epochs=epochs, verbose=2)
    tuned = accuracy(model, images)
    print(
        f"test accuracy {tuned:.2%} of {images.split('test').num_examples} digits; "
        f"{head:.2%} with the head alone"
    )


if __name__ == "__main__":
    main()
