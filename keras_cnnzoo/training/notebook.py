"""Show a run in a notebook."""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from keras_cnnzoo.html_table import html_table

#: The results that are shown: key, label and format.
ROWS = (
    ("status", "status", "{}"),
    ("epochs", "epochs", "{:,}"),
    ("best_epoch", "best epoch", "{:,}"),
    ("validation_accuracy", "validation accuracy", "{:.2%}"),
    ("split", "scored on", "{}"),
    ("count", "images", "{:,}"),
    ("accuracy", "accuracy", "{:.2%}"),
    ("balanced_accuracy", "balanced accuracy", "{:.2%}"),
    ("macro_f1", "F1, mean of the classes", "{:.2%}"),
    ("auc", "AUC", "{:.4f}"),
    ("calibration_error", "calibration error", "{:.2%}"),
    ("top5", "top-5 accuracy", "{:.2%}"),
    ("loss", "loss", "{:.4f}"),
    ("seconds", "seconds", "{:,.0f}"),
)


def run_html(folder: Path, config: Mapping[str, Any], pictures: Sequence[str]) -> str:
    """Return a run as self-contained HTML.

    Args:
        folder: The folder of the run.
        config: The content of its `config.json`.
        pictures: Names of pictures in the folder; missing ones are left out.
    """
    results = config["results"] or {"status": "has not ended"}
    rows = [
        (label, form.format(results[key]))
        for key, label, form in ROWS
        if results.get(key) is not None
    ]
    notes = [f"note: {note}" for note in results.get("notes", ())]
    arguments = config["arguments"]
    title = f"{arguments['model']} on {arguments['data']}, {folder}"
    images = [_image(folder / name) for name in pictures if (folder / name).is_file()]
    return html_table(title, rows, notes=notes) + "".join(images)


def _image(path: Path) -> str:
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    return (
        f'<img src="data:image/png;base64,{content}" alt="{escape(path.stem)}" '
        'style="max-width:45%">'
    )
