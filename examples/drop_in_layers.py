"""Use layers of keras-cnnzoo in an ordinary Keras model, and print what one recorded.

Example:
    python examples/drop_in_layers.py
    python examples/drop_in_layers.py --epochs 3
"""

import argparse

import keras

from keras_cnnzoo import data, inspect
from keras_cnnzoo.layers import InstrumentedConv2D, L2NormPooling2D, ResidualBlock


def make_model(input_shape: tuple[int, ...], classes: int) -> keras.Model:
    """Make an ordinary functional model; three of its layers are ours."""
    inputs = keras.Input(input_shape)
    x = keras.layers.Rescaling(1 / 255)(inputs)
    # In place of Conv2D: the same weights and output, plus statistics.
    x = InstrumentedConv2D(
        16, 3, padding="same", activation="relu", record="stats", name="conv"
    )(x)
    # In place of MaxPooling2D: the L2 norm of each window, not its largest value.
    x = L2NormPooling2D(2)(x)
    x = ResidualBlock(32, name="block")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(classes, "softmax")(x))


def main() -> None:
    """Train on the digits that come with the package."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=15, help="default: 15")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    args = parser.parse_args()

    keras.utils.set_random_seed(args.seed)
    digits = data.load("digits", seed=args.seed)
    model = make_model(digits.image_shape, len(digits.class_names))
    model.compile(
        keras.optimizers.Adam(3e-3),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(
        digits.train,
        validation_data=digits.validation,
        epochs=args.epochs,
        verbose=2,
    )

    kinds = ("mean", "variance", "zeros", "maximum")
    for path, seen in inspect.statistics(model).items():
        # Batches of the validation data count as well.
        print(f"\n{path}, after {seen['calls']:.0f} batches:")
        print("channel     mean  variance   zeros  maximum")
        for channel, row in enumerate(zip(*map(seen.get, kinds), strict=True)):
            mean, variance, zeros, most = row
            print(f"{channel:7} {mean:8.3f} {variance:9.3f} {zeros:7.1%} {most:8.2f}")

    inspect.set_record(model, "off")  # from here on it behaves like Conv2D
    test = digits.split("test")
    _, accuracy = model.evaluate(test.ordered(), verbose=0)
    print(f"\ntest accuracy {accuracy:.2%} of {test.num_examples} digits")


if __name__ == "__main__":
    main()
