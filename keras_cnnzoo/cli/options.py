"""Options that several sub-commands share."""

import argparse


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    parser.add_argument(
        "--json", action="store_true", help="print only JSON, for scripts"
    )


def add_weights(parser: argparse.ArgumentParser, what: str) -> None:
    """Add `--weights` and `--source`."""
    parser.add_argument(
        "--weights",
        metavar="FILE|RUN|TAG",
        help=f"{what}: a file, a folder that `cnnzoo train` made, or a source named on "
        "the model's card (`cnnzoo show NAME`)",
    )
    parser.add_argument(
        "--source",
        metavar="TAG",
        help="the source of the weights file, as named on the model's card: the model "
        "is built and its images are preprocessed as for that source",
    )


def add_class_names(parser: argparse.ArgumentParser) -> None:
    """Add `--class-names`."""
    parser.add_argument(
        "--class-names",
        metavar="FILE",
        help="file with the class names to show: .csv, .json, or text with one per "
        "line (default: classes.csv, .json or .txt beside the training data)",
    )


def source_of(weights: str | None, source: str | None) -> str | tuple[str, str] | None:
    """Return weights as `keras_cnnzoo.build` takes them.

    Raises:
        ValueError: `source` was given without `weights`.
    """
    if source is None:
        return weights
    if weights is None:
        raise ValueError(
            f"--source {source} names the source of a weights file: give the file with "
            f"--weights. To download the weights of that source, use "
            f"--weights {source}."
        )
    return source, weights


def add_subject(parser: argparse.ArgumentParser) -> None:
    """Add the trained model: a run, a file, or a name with weights."""
    parser.add_argument(
        "subject",
        metavar="RUN|FILE|NAME",
        help="a folder that `cnnzoo train` made, a .keras file, or a model's name "
        "together with --weights",
    )
    add_weights(parser, "weights for a model given by name")
    add_class_names(parser)
