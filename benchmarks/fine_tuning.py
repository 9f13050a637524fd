"""Compare ways of fine-tuning by their accuracy on your own photographs.

    python benchmarks/fine_tuning.py photos/ theirs.npz
        --model squeezenet1_1 --source deepscale/squeezenet_v1.1

Trains one model three times on the same images, from the same weights: the head alone;
all layers, those before the head at a tenth of the learning rate (the default); and all
layers at the full learning rate. Prints the validation accuracy of each.
"""

import argparse
import tempfile
from pathlib import Path

from rich.console import Console

from keras_cnnzoo import data
from keras_cnnzoo.training import find_recipe, train

#: Whether the layers before the head are frozen, and the factor on their learning rate.
WAYS = {
    "head alone": (True, 1.0),
    "body at a tenth": (False, 0.1),
    "all at the full rate": (False, 1.0),
}


def main() -> None:
    """Print the accuracy of each way."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", help="a folder of images per class")
    parser.add_argument("weights", help="a file of weights for the model")
    parser.add_argument("--model", default="squeezenet1_1")
    parser.add_argument("--source", help="the tag whose weights the file has")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--image-size", type=int, default=112)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    weights = (args.source, args.weights) if args.source else args.weights
    photographs = data.open_source(args.data).are_photographs
    recipe = find_recipe(args.model, args.data, photographs=photographs)
    for way, (freeze, rate) in WAYS.items():
        with tempfile.TemporaryDirectory() as folder:
            run = train(
                args.model,
                args.data,
                recipe=recipe.replace({"optimizer.body_rate": rate}),
                out=Path(folder, "run"),
                seed=args.seed,
                epochs=args.epochs,
                image_size=args.image_size,
                weights=weights,
                freeze=freeze,
                console=Console(quiet=True),
            )
        accuracy = run.results["validation_accuracy"]
        print(f"{way:22} {accuracy:6.1%} of {run.config['images']['validation']}")


if __name__ == "__main__":
    main()
