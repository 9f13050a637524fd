"""Score a trained model on labelled images.

Example:
  cnnzoo evaluate runs/lenet5-digits-1
  cnnzoo evaluate cifar_resnet20 --weights resnet20.th --data cifar10 --json
  cnnzoo evaluate squeezenet1_1 --weights theirs.npz --source deepscale/squeezenet_v1.1
                  --data photographs
"""

import argparse
import datetime
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_cnnzoo.cli.options import add_json, add_subject

if TYPE_CHECKING:
    from keras_cnnzoo.cli.subject import Subject
    from keras_cnnzoo.data import Splits


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_subject(parser)
    add = parser.add_argument
    add(
        "--data",
        help="as for `cnnzoo train` (default: the data of the run's training)",
    )
    add(
        "--split",
        help="split of the data to score on (default: test; without one, validation, "
        "for a run the same images as in training; or the only split there is)",
    )
    add(
        "--fit",
        choices=("resize", "pad", "crop", "squash"),
        help="how images are brought to the model's input size (default: as for its "
        "weights or in its run); `resize` does not change images that have that size",
    )
    add("--batch-size", type=int, default=64, help="images per batch (default: 64)")
    add(
        "--record",
        type=Path,
        metavar="CSV",
        help="add the scores of published weights to this table of results; model "
        "cards show the package's own table, keras_cnnzoo/registry/results.csv",
    )
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """Evaluate the model, and print accuracy, top-5, loss and scores by class."""
    from keras_cnnzoo import data
    from keras_cnnzoo.cli.scores import beside_accuracy
    from keras_cnnzoo.cli.subject import open_subject
    from keras_cnnzoo.training import evaluate

    subject = open_subject(args.subject, args.weights, args.source, args.class_names)
    if args.record and (args.weights is None or subject.trained_on):
        raise ValueError(
            f"--record is for published weights; the results of {args.subject} are in "
            "its own folder."
        )
    splits = data.load(
        **_images(args.data, subject),
        image_size=subject.adapter.size,
        channels=subject.adapter.channels,
        fit=args.fit or subject.adapter,
        batch_size=args.batch_size,
    )
    split = args.split or _default_split(splits)
    scores = evaluate(subject.model, splits.split(split), _classes(subject, splits))
    numbers = scores.numbers()
    if args.record:
        _record(args, subject.name, f"{splits.name}, {split}", numbers)
    ids = subject.class_names or tuple(map(str, range(len(scores.confusion))))
    names = subject.display_names or ids
    beside: dict[str, Any] = {"per_class": _seen(scores.per_class(ids))}
    if args.json:
        about = {"model": subject.name, "data": splits.name, "split": split}
        if names != ids:
            beside["names"] = {
                i: n
                for i, n in zip(ids, names, strict=True)
                if i in beside["per_class"]
            }
        print(json.dumps(about | numbers | beside, indent=2))
        return
    print(f"{subject.name} on {split} of {splits.name}")
    print(f"images    {scores.count:,}")
    print(f"accuracy  {scores.accuracy:.2%}")
    if scores.top5 is not None:
        print(f"top-5     {scores.top5:.2%}")
    print(f"loss      {scores.loss:.4f}")
    print(beside_accuracy(numbers | beside, ids, names))


def _seen(per_class: dict[str, float | None]) -> dict[str, float]:
    """Return the accuracies of the classes that have images."""
    return {name: right for name, right in per_class.items() if right is not None}


def _images(given: str | None, subject: "Subject") -> dict[str, Any]:
    """Return the arguments with which `data.load` loads the images."""
    own = subject.trained_on
    if given is None and not own:
        raise ValueError(f"Give the images to score {subject.name!r} on with --data.")
    if given is None or (own and _same(given, own["name_or_path"])):
        # Split as in training, so that the model is not scored on training images.
        return own
    return {"name_or_path": given, "validation": None}


def _same(one: str, other: str) -> bool:
    paths = [Path(place).expanduser() for place in (one, other)]
    return one == other or (
        all(path.exists() for path in paths) and paths[0].samefile(paths[1])
    )


def _default_split(splits: "Splits") -> str:
    """Return the name of the set to score on, if possible not used in training."""
    sets = splits.sets
    if len(sets) == 1:
        return next(iter(sets))
    return "test" if "test" in sets or "validation" not in sets else "validation"


def _record(
    args: argparse.Namespace, name: str, images: str, scores: dict[str, Any]
) -> None:
    from keras_cnnzoo.cards import Result
    from keras_cnnzoo.registry.results import record

    # File names only, since folders differ between machines.
    given = {
        "--weights": Path(args.weights).name,
        "--source": args.source,
        "--data": Path(args.data).name,
        "--split": args.split,
        "--fit": args.fit,
    }
    words = [f"{option} {value}" for option, value in given.items() if value]
    shares = {"top-1": scores["accuracy"], "top-5": scores["top5"]}
    record(
        args.record,
        name,
        [
            Result(
                metric=f"{kind} accuracy %, {scores['count']:,} images of {images}",
                value=round(100 * share, 2),
                command=" ".join(["cnnzoo evaluate", name, *words]),
                date=datetime.date.today().isoformat(),
            )
            for kind, share in shares.items()
            if share is not None
        ],
    )


def _classes(subject: "Subject", splits: "Splits") -> list[int] | None:
    """Return the model's class index for each class of the data; None if all agree."""
    known, given = subject.class_names, splits.class_names
    numbered = given == tuple(map(str, range(len(given))))
    if known is None or (numbered and not subject.trained_on):
        return None
    if not set(given) <= set(known):
        raise ValueError(
            f"{subject.name} cannot be scored on other classes than its own: it "
            f"predicts {_some(known)}, and {splits.name!r} has {_some(given)}."
        )
    return [known.index(name) for name in given]


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:5]) + (f" … ({len(names)})" if len(names) > 5 else "")
