"""Compare ways of transfer on photographs of clothes, at equal time.

    python benchmarks/transfer.py ../shared/data
    python benchmarks/transfer.py ../shared/data --seeds 3 --seconds 240

From the weights of SqueezeNet and MobileNet in that folder, each way trains for the
same number of seconds, with everything that it has to compute. The learning rate falls
along half a cosine of that time. Prints the accuracy on the photographs set apart, of
the last epoch: none is chosen by them.
"""

import argparse
import math
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_cnnzoo import build, data
from keras_cnnzoo.training import find_recipe, fine_tune, linear_probe

#: Model, its published weights, and whose they are.
MODELS = {
    "squeezenet1_1": (
        "squeezenet1_1/squeezenet1_1_combined_oihw.npz",
        "deepscale/squeezenet_v1.1",
    ),
    "mobilenet_v1_025": (
        "mobilenetv1_025_pytorch/mobilenetV1X0.25_pretrain.pth.tar",
        None,
    ),
}
#: More epochs than there is time for; the clock ends them.
ENDLESS = 10_000


def scratch(model: keras.Model, images: Any, epochs: int, clock: Any) -> None:
    """Train all weights from a random start."""
    fine_tune(model, images, epochs=epochs, layer_decay=1, **clock)


def full(model: keras.Model, images: Any, epochs: int, clock: Any) -> None:
    """Train all weights at rates that fall with the depth."""
    fine_tune(model, images, epochs=epochs, **clock)


def gradual(model: keras.Model, images: Any, epochs: int, clock: Any) -> None:
    """Unfreeze one stage in each epoch."""
    fine_tune(model, images, epochs=epochs, gradual=True, **clock)


def probe(model: keras.Model, images: Any, epochs: int, clock: Any) -> None:
    """Train the head on the features of plain photographs."""
    linear_probe(model, images, epochs=epochs, **clock)


def augmented_probe(model: keras.Model, images: Any, epochs: int, clock: Any) -> None:
    """Train the head on the features of photographs cropped and flipped."""
    linear_probe(model, images, epochs=epochs, augmented_passes=2, **clock)


#: Way, whether it starts from published weights, and its highest learning rate.
WAYS: dict[str, tuple[Callable[..., None], bool, float]] = {
    "probe": (probe, True, 1e-3),
    "probe, 2 augmented passes": (augmented_probe, True, 1e-3),
    "gradual": (gradual, True, 1e-3),
    "full": (full, True, 1e-3),
    "from scratch": (scratch, False, 1e-3),
}


class Clock(keras.callbacks.Callback):
    """Lets the learning rate fall along half a cosine of the time, and ends with it.

    Args:
        seconds: The time from now on.
        rate: The highest learning rate.
    """

    def __init__(self, seconds: float, rate: float) -> None:
        super().__init__()
        self.seconds, self.rate = seconds, rate
        self.began = time.perf_counter()
        self.steps = self.epochs = 0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        passed = min((time.perf_counter() - self.began) / self.seconds, 1.0)
        rate = self.rate * (1 + math.cos(math.pi * passed)) / 2
        self.model.optimizer.learning_rate = rate
        if passed == 1:
            self.model.stop_training = True

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.steps += 1

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epochs = epoch + 1


def accuracy(
    way: str, name: str, folder: Path, *, size: int, seconds: float, seed: int
) -> tuple[float, int]:
    """Train one way; return the accuracy, and how many epochs it had time for."""
    train, pretrained, rate = WAYS[way]
    recipe = find_recipe(name, "clothing160", photographs=True)
    splits = data.load(
        folder / "clothing160",
        image_size=size,
        batch_size=recipe.batch_size,
        augment=recipe.augment,
        seed=seed,
    )
    keras.utils.set_random_seed(seed)
    file, tag = MODELS[name]
    path = str(folder / file)
    model = build(
        name,
        input_shape=splits.image_shape,
        classes=len(splits.class_names),
        weights=((tag, path) if tag else path) if pretrained else None,
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.optimizer.weight_decay)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    clock = Clock(seconds, rate)
    train(model, splits.split("train"), ENDLESS, {"callbacks": [clock], "verbose": 0})
    check = splits.split("validation")
    answers = model.predict(check.ordered(), verbose=0).argmax(1)
    return float(np.mean(answers == check.labels())), clock.epochs


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "folder", type=Path, help="where clothing160 and the weights are"
    )
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds")
    parser.add_argument("--seconds", type=float, default=120, help="of each training")
    parser.add_argument(
        "--size", type=int, default=128, help="of the images, in pixels"
    )
    args = parser.parse_args()
    # That the head starts anew is what is meant here.
    warnings.filterwarnings("ignore", "(?s).*mismatched: head")
    print(f"{keras.backend.backend()}, {args.size} pixels, {args.seconds:g} s each")
    for name in args.models:
        for way in args.ways:
            found = [
                accuracy(
                    *(way, name, args.folder),
                    size=args.size,
                    seconds=args.seconds,
                    seed=seed,
                )
                for seed in range(args.seeds)
            ]
            shares = [share for share, _ in found]
            spread = f" ± {statistics.stdev(shares):.1%}" if len(shares) > 1 else ""
            print(
                f"{name:17} {way:26} {statistics.mean(shares):6.1%}{spread}   "
                f"epochs {', '.join(str(epochs) for _, epochs in found)}",
                flush=True,
            )


if __name__ == "__main__":
    main()
