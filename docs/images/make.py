"""Draw the picture of the home page from a run of `cnnzoo train lenet5`.

Example:
    cnnzoo train lenet5 --out runs/picture
    python docs/images/make.py runs/picture
"""

import argparse
import csv
from pathlib import Path
from typing import Any

import keras
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from keras_cnnzoo import data, inspect
from keras_cnnzoo.inspect.figures.style import signed_colours
from keras_cnnzoo.layers import record_maps
from keras_cnnzoo.training import Run

TARGET = Path(__file__).with_name("lenet5.png")
INK, QUIET, BLUE, GREY = "#24292f", "#57606a", "#1f6feb", "#9aa5b1"
#: Index of the test image that is shown.
SHOWN = 8


def main() -> None:
    """Draw the filters, feature maps and accuracy curves of the run."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", help="folder that `cnnzoo train lenet5` made")
    run = Run.open(parser.parse_args().run)
    test = data.load("digits", image_size=32).test
    image = test.arrays()[0][SHOWN : SHOWN + 1]

    model = inspect.instrument(run.model, record="maps")
    with record_maps() as maps:
        answer = keras.ops.convert_to_numpy(model(image))[0]
    c1 = keras.ops.convert_to_numpy(maps[model.get_layer("c1").path])[0]
    filters = keras.ops.convert_to_numpy(model.get_layer("c1").kernel)

    figure = Figure(figsize=(11, 3.3))
    figure.text(0.02, 0.91, "LeNet-5 on handwritten digits", fontsize=15, color=INK)
    figure.text(
        0.98,
        0.91,
        f"{run.results['accuracy']:.1%} accuracy on {run.results['count']} test images",
        fontsize=15,
        color=BLUE,
        ha="right",
    )
    band = {"top": 0.76, "bottom": 0.16}
    left = figure.add_gridspec(1, 1, left=0.02, right=0.2, **band)
    middle = figure.add_gridspec(
        2, 6, left=0.245, right=0.675, wspace=0.06, hspace=0.32, **band
    )
    right = figure.add_gridspec(1, 1, left=0.755, right=0.98, **band)

    axes = _picture(figure, left[0], image[0, ..., 0], cmap="gray_r", low=0, high=255)
    axes.set_title("a test image", fontsize=10, color=QUIET, loc="left")
    best = int(answer.argmax())
    text = f'prediction: "{best}", probability {answer[best]:.3f}'
    axes.set_xlabel(text, fontsize=10, color=INK)
    rows = (
        (filters[:, :, 0], "the six 5x5 filters of the first layer, C1"),
        (c1, "their feature maps for this image"),
    )
    for row, (pictures, title) in enumerate(rows):
        bound = np.abs(pictures).max()
        for i in range(6):
            axes = _picture(
                figure,
                middle[row, i],
                pictures[..., i],
                cmap=signed_colours(),
                low=-bound,
                high=bound,
            )
            if i == 0:
                axes.set_title(title, fontsize=10, color=QUIET, loc="left")
    _curves(figure.add_subplot(right[0]), run)
    FigureCanvasAgg(figure)
    figure.savefig(TARGET, dpi=140, facecolor="white")
    print(f"{TARGET}: {TARGET.stat().st_size / 1000:.0f} kB")


def _picture(figure, place, pixels, *, cmap: Any, low: float, high: float):
    axes = figure.add_subplot(place)
    axes.imshow(pixels, cmap=cmap, vmin=low, vmax=high)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color("#d0d7de")
    return axes


def _curves(axes, run: Run) -> None:
    with (run.folder / "history.csv").open(newline="") as file:
        history = list(csv.DictReader(file))
    epochs = [int(row["epoch"]) for row in history]
    lines = (("accuracy", "training", GREY), ("val_accuracy", "validation", BLUE))
    for column, label, color in lines:
        values = [float(row[column]) for row in history]
        axes.plot(epochs, values, color=color, lw=2, label=label)
    axes.set_title("accuracy by epoch", fontsize=10, color=QUIET, loc="left")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.set_ylim(0, 1.02)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#d0d7de", lw=0.6)
    axes.tick_params(colors=QUIET, labelsize=9)
    axes.legend(frameon=False, loc="lower right", fontsize=10)


if __name__ == "__main__":
    main()
