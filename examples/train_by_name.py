"""Train a model of the zoo by its name, with Keras's `fit`.

Example:
    python examples/train_by_name.py
    python examples/train_by_name.py --model cifar_resnet20 --epochs 5
    python examples/train_by_name.py --data path/to/photos --epochs 5
"""

import argparse
from typing import Any

import keras

from keras_cnnzoo import build, card, data


def main() -> None:
    """Load images at the size of the model, build it, fit, and evaluate."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="lenet5", help="default: lenet5")
    parser.add_argument(
        "--data",
        default="digits",
        help="digits (the default), a name of tensorflow-datasets, or a folder",
    )
    parser.add_argument("--epochs", type=int, default=15, help="default: 15")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    args = parser.parse_args()

    keras.utils.set_random_seed(args.seed)
    shape: tuple[Any, ...] = card(args.model).input_shape
    images = data.load(
        args.data,
        image_size=shape[:2],
        channels=shape[2],
        augment="digits" if args.data == "digits" else None,
        seed=args.seed,
    )
    print(images)
    train = images.split("train")

    model = build(
        args.model, input_shape=images.image_shape, classes=len(images.class_names)
    )
    steps = args.epochs * len(train)
    model.compile(
        keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(3e-3, steps)),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(
        train,
        validation_data=images.validation,
        epochs=args.epochs,
        verbose=2,
    )

    held_out = images.split("test" if images.test else "validation")
    _, accuracy = model.evaluate(held_out.ordered(), verbose=0)
    print(f"test accuracy {accuracy:.2%} of {held_out.num_examples} images")


if __name__ == "__main__":
    main()
