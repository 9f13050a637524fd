"""Score a trained model on labelled images.

Example:
  cnnzoo evaluate runs/lenet5-digits-1
  cnnzoo evaluate cifar_resnet20 --weights resnet20.th --data cifar10 --json
"""

import argparse
import json

from keras_cnnzoo.cli.options import add_json, add_subject


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_subject(parser)
    add = parser.add_argument
    add("--data", help="as for `cnnzoo train`; the default is what the run was given")
    add("--split", default="test", help="which of the data's sets (default: test)")
    add("--batch-size", type=int, default=64, help="images at once (default: 64)")
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """Score, and print accuracy, top-5 and loss."""
    from keras_cnnzoo import data
    from keras_cnnzoo.cli.subject import open_subject
    from keras_cnnzoo.training import evaluate

    subject = open_subject(args.subject, args.weights)
    chosen = subject.trained_on if args.data is None else {"name_or_path": args.data}
    if not chosen:
        raise ValueError(f"Say with --data on which images {subject.name!r} is scored.")
    splits = data.load(
        **chosen,
        image_size=subject.adapter.size,
        channels=subject.adapter.channels,
        fit=subject.fit,
        batch_size=args.batch_size,
    )
    known, given = subject.class_names, splits.class_names
    # Numbered classes are named as far as they occur, so fewer are no contradiction.
    if known is not None and given != known[: len(given)]:
        raise ValueError(
            f"{args.subject} tells apart {_some(known)}, and {splits.name!r} has "
            f"{_some(given)}. A score would mean nothing."
        )
    scores = evaluate(subject.model, splits.split(args.split)).numbers()
    if args.json:
        about = {"model": subject.name, "data": splits.name, "split": args.split}
        print(json.dumps(about | scores, indent=2))
        return
    print(f"{subject.name} on {args.split} of {splits.name}")
    print(f"images    {scores['count']:,}")
    print(f"accuracy  {scores['accuracy']:.2%}")
    if scores["top5"] is not None:
        print(f"top-5     {scores['top5']:.2%}")
    print(f"loss      {scores['loss']:.4f}")


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:5]) + (f" … ({len(names)})" if len(names) > 5 else "")
