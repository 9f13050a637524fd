"""Write an interactive page that shows a network at work on your own images.

Example:
  cnnzoo explain runs/lenet5-digits-1 seven.png three.png -o digits.html
  cnnzoo explain resnet50 --weights resnet50.safetensors dog.jpg
"""

import argparse
from pathlib import Path

from keras_cnnzoo.cli.options import add_subject


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_subject(parser)
    add = parser.add_argument
    add(
        "images",
        nargs="+",
        metavar="IMAGE",
        help="files in any format Pillow reads, or folders of them",
    )
    add(
        *("-o", "--out"),
        type=Path,
        default=Path("report.html"),
        metavar="FILE",
        help="the page to write, one file that works offline (default: report.html)",
    )
    add(
        "--attribution",
        action="append",
        metavar="METHOD",
        help="a method that shows which pixels support the prediction, named as in "
        "keras_cnnzoo.inspect; may be given several times (default: grad_cam, "
        "layer_cam and saliency)",
    )
    add(
        "--max-megabytes",
        type=float,
        default=15.0,
        metavar="MB",
        help="maximum size of the page; to stay below it, the page shows fewer "
        "channels of large layers (default: 15)",
    )


def run(args: argparse.Namespace) -> None:
    """Read the images and write the page."""
    import numpy as np

    from keras_cnnzoo.cli.images import batches
    from keras_cnnzoo.cli.subject import open_subject
    from keras_cnnzoo.inspect import explain
    from keras_cnnzoo.inspect.report.predictions import DEFAULT

    if not args.out.parent.is_dir():
        raise ValueError(
            f"There is no folder {args.out.parent} to write {args.out} to."
        )
    subject = open_subject(args.subject, args.weights, args.source, args.class_names)
    read = [one for batch in batches(args.images, subject.adapter) for one in batch]
    paths, images = zip(*read, strict=True)
    path = explain(
        subject.model,
        np.stack(images),
        args.out,
        class_names=subject.labels,
        captions=[Path(image).name for image in paths],
        attributions=args.attribution or DEFAULT,
        max_megabytes=args.max_megabytes,
    )
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, open it in a browser")
