"""Options that several sub-commands share."""

import argparse


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    parser.add_argument(
        "--json", action="store_true", help="print JSON, for scripts, and nothing else"
    )


def add_weights(parser: argparse.ArgumentParser, what: str) -> None:
    """Add `--weights`."""
    parser.add_argument(
        "--weights",
        metavar="PATH",
        help=f"{what}: a file, or a source on the model's card",
    )


def add_subject(parser: argparse.ArgumentParser) -> None:
    """Add what is looked at: a run, a file, or a name with weights."""
    parser.add_argument(
        "subject",
        metavar="RUN|FILE|NAME",
        help="a folder that `cnnzoo train` made, a .keras file, or a model's name with "
        "--weights",
    )
    add_weights(parser, "for a model's name")
    parser.add_argument(
        "--source",
        metavar="TAG",
        help="whose weights the file has, a source on the model's card: it is then "
        "built and fed as that source says",
    )
