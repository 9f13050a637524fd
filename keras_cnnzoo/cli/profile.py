"""Show parameters, multiply-accumulates, memory and receptive field of each layer.

Example:
  cnnzoo profile lenet5
  cnnzoo profile resnet50 --input-size 320 320 --batch-size 16
  cnnzoo profile runs/lenet5-digits --csv costs.csv
  cnnzoo profile mobilenet_v2 --json
"""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_cnnzoo.cli.options import add_json

if TYPE_CHECKING:
    import keras

    from keras_cnnzoo.inspect import Profile


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a name of `cnnzoo list`, a folder that `cnnzoo train` made, or a .keras "
        "file",
    )
    parser.add_argument(
        "--input-size",
        nargs=2,
        type=int,
        metavar=("H", "W"),
        help="height and width of the images (default: the model's own)",
    )
    parser.add_argument(
        "--batch-size",
        type=int,
        default=1,
        metavar="N",
        help="number of images per batch (default: 1)",
    )
    parser.add_argument("--csv", metavar="FILE", help="also write the rows to a file")
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """Print the table."""
    from keras_cnnzoo import inspect
    from keras_cnnzoo.structure.shapes import image_shape

    model = _open(args.model, args.input_size)
    shape = image_shape(model)
    if args.input_size:
        shape = _resized(shape, args.input_size)
    costs = inspect.profile(model, shape, args.batch_size)
    if args.csv:
        costs.to_csv(args.csv)
    if args.json:
        print(json.dumps(_plain(costs), indent=2))
    else:
        _print_table(costs)


def _open(what: str, size: list[int] | None) -> "keras.Model":
    from keras_cnnzoo import registry, zoo
    from keras_cnnzoo.training.folder import Run
    from keras_cnnzoo.weights.saved import load_saved

    path = Path(what)
    if path.suffix == ".keras":
        return load_saved(path)
    if path.exists() or path.name != what:
        return Run.open(what).model
    if size is None:
        return zoo.build(what)
    return zoo.build(what, input_shape=_resized(registry.card(what).input_shape, size))


def _resized(shape: tuple[int | None, ...], size: list[int]) -> tuple[int | None, ...]:
    """Replace height and width in the shape of an image."""
    from keras_cnnzoo.axes import channels_last_shape, image_shape

    return image_shape((*size, channels_last_shape(shape)[-1]))


def _plain(costs: "Profile") -> dict[str, Any]:
    import dataclasses
    import math

    def finite(value: Any) -> Any:
        # JSON has no infinity, the value of a receptive field whose size is not known.
        return None if isinstance(value, float) and math.isinf(value) else value

    held = costs.memory
    rows = []
    for row in costs.rows:
        plain = {f.name: getattr(row, f.name) for f in dataclasses.fields(row)}
        if row.field is not None:
            plain["field"] = {
                name: [finite(n) for n in getattr(row.field, name)]
                for name in ("size", "stride", "start")
            }
        rows.append(plain)
    return {
        "name": costs.name,
        "input_shape": costs.input_shape,
        "batch_size": costs.batch_size,
        "params": costs.params,
        "fixed": costs.fixed,
        "macs": costs.macs,
        "memory": dataclasses.asdict(held)
        | {"training": held.training, "inference": held.inference},
        "rows": rows,
    }


def _print_table(costs: "Profile") -> None:
    from rich.console import Console

    console = Console(markup=False, highlight=False)
    # A pipe has no width, so print plain text there and do not wrap lines.
    console.print(costs.table() if console.is_terminal else str(costs), soft_wrap=True)
