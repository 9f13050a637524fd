"""The `cnnzoo` command: run its sub-commands, and report errors and warnings."""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from typing import NoReturn, TextIO

from keras_cnnzoo import __version__
from keras_cnnzoo.cli import (
    bench,
    compare,
    evaluate,
    explain,
    list,
    predict,
    profile,
    recipes,
    show,
    train,
    tune,
    verify,
)
from keras_cnnzoo.cli.starting import start_keras
from keras_cnnzoo.cli.words import in_shell_words

COMMANDS = (
    *(train, tune, recipes, list, show, profile, bench),
    *(evaluate, compare, predict, explain, verify),
)
TRACEBACK = "CNNZOO_TRACEBACK"
EXAMPLE = """Example:
  cnnzoo train lenet5          train LeNet-5 on real handwritten digits
  cnnzoo list 'resnet*'        what can be built
  cnnzoo train --help          and the same for every command
"""


class Parser(argparse.ArgumentParser):
    """A parser that reports an error in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}. See `{self.prog} --help`.\n")


def make_parser() -> argparse.ArgumentParser:
    """Create the parser of the whole command."""
    parser = Parser(
        prog="cnnzoo",
        description="Convolutional networks for Keras 3, by name.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"cnnzoo {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        summary, _, example = str(command.__doc__).partition("\n\n")
        sub = commands.add_parser(
            command.__name__.rpartition(".")[2],
            help=summary,
            description=summary,
            epilog=example,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(sub)
        # `list` and `show` start Keras only if they need it.
        needs_keras = command not in (list, show)
        sub.set_defaults(run=command.run, needs_keras=needs_keras)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments; None uses those of the process.

    Returns:
        The exit code: 0 on success, 130 after Ctrl-C. After an error, whose message is
        one line on standard error, it is 2 or the error's own `exit_code`.
    """
    args = make_parser().parse_args(argv)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _note
            if args.needs_keras:
                trains = args.run is train.run
                start_keras(args.hosts if trains else None, trains=trains)
            args.run(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _fail("Stopped.", 130)
    except BrokenPipeError:
        # The reader, such as `head`, has closed the pipe. Redirect the output, so that
        # the interpreter does not fail again when it flushes it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        return _fail(_sentence(error), getattr(error, "exit_code", 2))
    return 0


def _fail(message: str, code: int) -> int:
    print(f"cnnzoo: {message}", file=sys.stderr)
    return code


def _sentence(error: Exception) -> str:
    """Return the message of an exception in one line."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror
        if error.filename is not None:
            text = f"{error.filename}: {text}"
    text = " ".join(text.split())
    if (
        isinstance(error, ValueError | TypeError | OSError | RuntimeError | ImportError)
        and text
    ):
        return in_shell_words(text)
    return f"{type(error).__name__}: {text} (set {TRACEBACK}=1 to see where)"


def _note(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning as one line; leave out deprecations, which are for developers."""
    if not issubclass(category, DeprecationWarning | FutureWarning | ResourceWarning):
        text = in_shell_words(" ".join(str(message).split()))
        print(f"note: {text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
