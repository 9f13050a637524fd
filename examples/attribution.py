"""Train LeNet-5 on handwritten digits, and draw which pixels its predictions depend on.

Example:
    python examples/attribution.py
    python examples/attribution.py --digits 5 12 --against 8
"""

import argparse
from pathlib import Path

import keras
import numpy as np

from keras_cnnzoo import build, data, inspect

METHODS = (
    inspect.grad_cam,
    inspect.grad_cam_pp,
    inspect.score_cam,
    inspect.layer_cam,
    inspect.eigen_cam,
    inspect.saliency,
    inspect.smooth_grad,
    inspect.integrated_gradients,
    inspect.occlusion,
)


def main() -> None:
    """Train, then draw attributions of some test images and an image for each class."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=10, help="default: 10")
    parser.add_argument(
        "--digits",
        type=int,
        nargs="+",
        default=[2, 3],
        metavar="N",
        help="numbers of the test images that are explained (default: 2 3)",
    )
    parser.add_argument(
        "--against",
        type=int,
        metavar="CLASS",
        help="the class to explain (default: each image's own top class)",
    )
    parser.add_argument("--out", type=Path, default=Path(), help="folder, default: .")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    args = parser.parse_args()

    keras.utils.set_random_seed(args.seed)
    digits = data.load("digits", image_size=32, augment="digits", seed=args.seed)
    train, test = digits.split("train"), digits.split("test")
    model = build("lenet5_modern")
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
    images, labels = images[args.digits], labels[args.digits]
    answers = model.predict(images, verbose=0)
    maps = {f.__name__: f(model, images, args.against) for f in METHODS}
    for i, number in enumerate(args.digits):
        figure = inspect.plot_attribution(
            images[i],
            {name: found[i] for name, found in maps.items()},
            title=f"a {labels[i]}, predicted {answers[i].argmax()}",
        )
        path = args.out / f"attribution-{number}.png"
        figure.savefig(path)
        print(f"{path}: {', '.join(maps)}")

    images_of = inspect.maximise(model, "head", range(10))
    path = args.out / "digits.png"
    keras.utils.save_img(path, np.concatenate(list(images_of), axis=1), scale=False)
    print(f"{path}: the image that each class responds to most")

    _, accuracy = model.evaluate(test.ordered(), verbose=0)
    print(f"test accuracy {accuracy:.2%} of {test.num_examples} digits")


if __name__ == "__main__":
    main()
