"""Score a trained model on labelled images.

Example:
  cnnzoo evaluate runs/lenet5-digits-1
  cnnzoo evaluate runs/lenet5-digits-1 --per-class --figures figures/
  cnnzoo evaluate runs/photos-1 --worst 30 -o worst.html
  cnnzoo evaluate cifar_resnet20 --weights resnet20.th --data cifar10 --json
  cnnzoo evaluate squeezenet1_1 --weights theirs.npz --source deepscale/squeezenet_v1.1
                  --data photographs
"""

import argparse
import dataclasses
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
    add(
        "--flip",
        action=argparse.BooleanOptionalAction,
        help="score the mean of the probabilities for each image and its mirror image "
        "(default: as the run's recipe says)",
    )
    add("--batch-size", type=int, default=64, help="images per batch (default: 64)")
    add(
        "--per-class",
        action="store_true",
        help="print precision, recall, F1, AUC and average precision of each class",
    )
    add(
        "--specificity",
        type=float,
        metavar="SHARE",
        help="of two classes, print the sensitivity to the second one at this "
        "specificity, such as 0.95",
    )
    add(
        "--figures",
        type=Path,
        metavar="FOLDER",
        help="draw the confusion matrix, the reliability diagram and the ROC curves "
        "into this folder",
    )
    add(
        "--worst",
        type=int,
        metavar="N",
        help="write a page of the N images that the model is most wrong about, and of "
        "as many likely label errors",
    )
    add(
        *("-o", "--out"),
        type=Path,
        default=Path("worst.html"),
        metavar="FILE",
        help="the page of --worst, one file that works offline (default: worst.html)",
    )
    add(
        "--record",
        type=Path,
        metavar="CSV",
        help="add the scores of published weights to this table of results; model "
        "cards show the package's own table, keras_cnnzoo/registry/results.csv",
    )
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """Evaluate the model, print its scores, and draw or write what was asked for."""
    from keras_cnnzoo import data
    from keras_cnnzoo.cli.evaluated import Evaluated
    from keras_cnnzoo.cli.subject import open_subject
    from keras_cnnzoo.training import evaluate

    _check(args)
    subject = open_subject(args.subject, args.weights, args.source, args.class_names)
    if args.record and (args.weights is None or subject.trained_on):
        raise ValueError(
            f"--record is for published weights; the results of {args.subject} are in "
            "its own folder."
        )
    given = _images(args.data, subject)
    splits = data.load(
        **given,
        image_size=subject.adapter.size,
        channels=subject.adapter.channels,
        fit=args.fit or subject.adapter,
        batch_size=args.batch_size,
    )
    split = args.split or _default_split(splits)
    images = splits.split(split)
    flip = subject.flip_test if args.flip is None else args.flip
    scores = evaluate(subject.model, images, _classes(subject, splits), flip=flip)
    point = None
    if args.specificity is not None:
        point = scores.sensitivity_at(args.specificity)
    ids = subject.class_names or tuple(map(str, range(len(scores.confusion))))
    found = Evaluated(
        model=subject.name,
        data=splits.name,
        split=split,
        scores=scores,
        images=images,
        class_names=ids,
        display_names=subject.display_names or ids,
        trained_on=given is subject.trained_on and images is splits.train,
    )
    if args.record:
        _record(args, subject.name, f"{splits.name}, {split}", scores.numbers())
    mistakes = None
    if args.worst:
        mistakes = found.write_page(args.out, args.worst)
    if args.figures:
        found.draw(args.figures)
    if args.json:
        answer = found.to_dict(point)
        if mistakes is not None:
            answer["mistakes"] = dataclasses.asdict(mistakes)
        print(json.dumps(answer, indent=2))
        return
    found.show(point, per_class=args.per_class)
    if args.figures:
        print(f"{args.figures}: confusion.png, reliability.png, roc.png")
    if mistakes is not None:
        likely = mistakes.label_error_count
        errors = "" if likely is None else f"{likely:,} likely label errors, "
        print(f"{args.out}: {errors}open it in a browser")


def _check(args: argparse.Namespace) -> None:
    """Refuse at once what could only fail after the evaluation."""
    if args.worst is not None and args.worst < 1:
        raise ValueError(f"--worst is at least 1. Received: {args.worst}")
    if args.worst and not args.out.parent.is_dir():
        raise ValueError(
            f"There is no folder {args.out.parent} to write {args.out} to."
        )


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
    words += ["--flip"] if args.flip else []
    if args.flip:
        images += ", with their mirror images"
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
