"""Train LeNet-5 on handwritten digits, and write an HTML report on its predictions.

Example:
    python examples/explain.py
    python examples/explain.py --digits 5 12 20 --out digits.html
"""

import argparse

import keras

from keras_cnnzoo import build, data
from keras_cnnzoo.inspect import explain


def main() -> None:
    """Train, explain the predictions for some test images, and evaluate."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=10, help="default: 10")
    parser.add_argument(
        "--digits",
        type=int,
        nargs="+",
        default=[0, 1, 2, 3],
        metavar="N",
        help="numbers of the test images that are shown (default: the first four)",
    )
    parser.add_argument("--out", default="report.html", help="default: report.html")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    args = parser.parse_args()

    keras.utils.set_random_seed(args.seed)
    digits = data.load("digits", image_size=32, augment="digits", seed=args.seed)
    train, test = digits.split("train"), digits.split("test")
    model = build("lenet5")
    steps = args.epochs * len(train)
    model.compile(
        keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(3e-3, steps)),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(
        train,
        validation_data=digits.validation,
        epochs=args.epochs,
        verbose=2,
    )

    images, labels = test.arrays()
    page = explain(
        model,
        images[args.digits],
        args.out,
        class_names=digits.class_names,
        captions=[f"test image {n}, a {labels[n]}" for n in args.digits],
    )
    print(f"{page}: {page.stat().st_size / 1e6:.1f} MB, open it in a browser")

    _, accuracy = model.evaluate(test.ordered(), verbose=0)
    print(f"test accuracy {accuracy:.2%} of {test.num_examples} digits")


if __name__ == "__main__":
    main()
