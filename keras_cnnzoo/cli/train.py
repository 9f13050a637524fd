"""Train a model and leave a run folder: weights, history, curves, confusion matrix.

Example:
  cnnzoo train lenet5
  cnnzoo train resnet18 --data photos/ --image-size 64 --epochs 20 --out runs/photos
  cnnzoo train lenet5 --set pool=max --set optimizer.learning_rate=0.01
  cnnzoo train lenet5 --recipe mine.toml
  cnnzoo train resnet18 --data photos/ --weights resnet18.safetensors --freeze
  cnnzoo train resnet18 --data photos/ --weights default --transfer probe
  cnnzoo train squeezenet1_1 --data photos/ --weights theirs.npz
               --source deepscale/squeezenet_v1.1
  cnnzoo train --resume runs/photos
"""

import argparse
import json
from pathlib import Path
from typing import Any

from keras_cnnzoo.cli.options import add_class_names, add_json, add_weights, source_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("model", nargs="?", metavar="MODEL", help="a name of `cnnzoo list`")
    add(
        "--resume",
        metavar="RUN",
        help="go on with a run that was killed or stopped; leave everything else out",
    )
    add(
        "--save-every",
        type=float,
        metavar="SECONDS",
        help="time between two checkpoints (default: as short as costs at most 2 %%)",
    )
    add("--learning-rate", type=float, help="learning rate (default: the recipe's)")
    add(
        "--find-rate",
        action="store_true",
        help="look for a learning rate first, and train with it",
    )
    add(
        "--out",
        metavar="FOLDER",
        help="folder to write the run to (default: runs/MODEL-DATA-NUMBER)",
    )
    add(
        "--record",
        type=Path,
        metavar="CSV",
        help="add what was reached to this table of results, with seed, device, time "
        "and versions; the package's own is keras_cnnzoo/recipes/receipts.csv",
    )
    add(
        "--devices",
        type=int,
        metavar="N",
        help="how many devices of this machine share each batch (default: one)",
    )
    add(
        "--hosts",
        metavar="ADDRESS:PORT,COUNT,INDEX",
        help="train together with other processes: the address of the first, how many, "
        "and the number of this one from 0 (default: what the environment says)",
    )
    add_training(parser)
    add_json(parser)


def add_training(parser: argparse.ArgumentParser) -> None:
    """Declare what a training takes, and a search for a recipe too."""
    add = parser.add_argument
    add(
        "--data",
        default="digits",
        help="digits (the default, part of the package), a name of "
        "tensorflow-datasets, a folder with one folder of images per class, a .csv or "
        ".parquet table of paths and labels, a folder of parquet or idx files, or an "
        ".npz file",
    )
    add(
        "--recipe",
        metavar="NAME|FILE",
        help="a name of `cnnzoo recipes`, or a .toml file (default: the one that suits "
        "model and data)",
    )
    add("--epochs", type=int, help="number of epochs (default: the recipe's)")
    add("--batch-size", type=int, help="images per batch (default: the recipe's)")
    add(
        "--image-size",
        type=int,
        metavar="PIXELS",
        help="height and width of the images (default: the model's own)",
    )
    add("--seed", type=int, default=0, help="seed of all random numbers (default: 0)")
    add_weights(parser, "weights to start from")
    add_class_names(parser)
    add(
        "--freeze",
        nargs="?",
        const=True,
        default=False,
        metavar="LAYER",
        help="train only the head, or only this layer and those after it",
    )
    add(
        "--transfer",
        metavar="WAY",
        help="how to go on from the weights: probe (the head alone, on features that "
        "are computed once), finetune (all layers, early ones slowly) or gradual (the "
        "head first, then a stage more in each epoch)",
    )
    add(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        type=override,
        help="a setting of the recipe, such as optimizer.momentum=0.9, or an option of "
        "the model, such as pool=max; may be repeated",
    )


def training_choices(args: argparse.Namespace) -> dict[str, Any]:
    """Return what `add_training` declares, but the data, as arguments of `train`."""
    return {
        "recipe": args.recipe,
        "set": dict(args.set),
        "seed": args.seed,
        "epochs": args.epochs,
        "batch_size": args.batch_size,
        "image_size": args.image_size,
        "weights": source_of(args.weights, args.source),
        "freeze": args.freeze,
        "transfer": args.transfer,
        "class_names": args.class_names,
    }


def override(text: str) -> tuple[str, object]:
    """Parse KEY=VALUE; a value that is not valid JSON is a string."""
    key, equals, value = text.partition("=")
    if not (equals and all(part.isidentifier() for part in key.split("."))):
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, received {text!r}")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def run(args: argparse.Namespace) -> None:
    """Train the model and print the results."""
    from rich.console import Console

    from keras_cnnzoo.cli.scores import beside_accuracy
    from keras_cnnzoo.training import train
    from keras_cnnzoo.training.processes import join
    from keras_cnnzoo.training.receipts import receipts, record_receipt

    if args.record:
        receipts(args.record)  # a wrong file is refused before the training

    console = Console(stderr=args.json, highlight=False, markup=False, soft_wrap=True)
    run = train(
        args.model,
        args.data,
        resume=args.resume,
        save_every=args.save_every,
        out=args.out,
        learning_rate=args.learning_rate,
        find_rate=args.find_rate,
        devices=args.devices,
        hosts=args.hosts,
        console=console,
        **training_choices(args),
    )
    if not join().leads:
        return
    results = run.results
    if args.record:
        record_receipt(args.record, run)
    if args.json:
        print(json.dumps({"folder": str(run.folder), **results}, indent=2))
        return
    console.print(
        f"{results['split']} accuracy {results['accuracy']:.2%} of "
        f"{results['count']:,} images, after {results['seconds']:.0f} s; best epoch "
        f"{results['best_epoch']}, validation {results['validation_accuracy']:.2%}"
    )
    console.print(beside_accuracy(results, run.class_names, run.display_names))
    console.print(f"everything is in {run.folder}")
