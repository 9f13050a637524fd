"""Write the mistakes of a classifier as one self-contained HTML page."""

import os
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template

import numpy as np

from keras_cnnzoo.data import ImageSet
from keras_cnnzoo.files import write_text
from keras_cnnzoo.html_table import html_table
from keras_cnnzoo.inspect.figures.pictures import as_picture
from keras_cnnzoo.inspect.report.image_urls import as_url
from keras_cnnzoo.training.class_table import HEADINGS, average_rows, class_rows
from keras_cnnzoo.training.evaluation import Scores
from keras_cnnzoo.training.mistakes import Mistake, Mistakes, find_mistakes

_WEB = resources.files("keras_cnnzoo.training") / "web"
_REPORT = resources.files("keras_cnnzoo.inspect.report") / "web"

#: Larger pictures are reduced to this side, so that sixty of them stay a small page.
SIDE = 192
#: Up to this side, pictures are enlarged without smoothing.
COARSE = 64

LEGEND = (
    "Below each picture are its label, the predicted class and their probabilities."
)
WORST_NOTE = "The wrong predictions whose label has the lowest probability."
ERRORS_NOTE = (
    "{likely:,} of {count:,} labels are likely wrong by confident learning (Northcutt "
    "et al., 2021); the most likely first."
)
NO_ERRORS = "By confident learning (Northcutt et al., 2021), no label is likely wrong."
NO_PROBABILITIES = "The outputs of the model are no probabilities, which this needs."


def write_mistakes(
    scores: Scores,
    images: ImageSet,
    path: str | os.PathLike[str],
    *,
    class_names: Sequence[str],
    title: str,
    count: int = 30,
    notes: Sequence[str] = (),
) -> Mistakes:
    """Write a page of what a classifier is most wrong about, and likely label errors.

    The page is one HTML file that loads nothing else. Below each picture are its label
    and the predicted class, with their probabilities, and the name of its file.

    Args:
        scores: The scores of the classifier on the images, as `evaluate` returns them.
        images: The same images.
        path: The `.html` file. It is written completely or not at all.
        class_names: A name for each class of the model.
        title: Title of the page, such as the names of the model and the data set.
        count: The most images of each kind.
        notes: Sentences on how far the label errors can be trusted.

    Returns:
        What the page shows.

    Raises:
        ValueError: `count` is not positive.
        OSError: The file cannot be written. An existing file is unchanged.
    """
    found = find_mistakes(scores, images, class_names, count=count)
    shown = _pictures(images, [*found.worst, *found.label_errors])
    errors = NO_PROBABILITIES if found.label_error_count is None else NO_ERRORS
    if found.label_error_count:
        errors = ERRORS_NOTE.format(likely=found.label_error_count, count=scores.count)
    rows = class_rows(scores, class_names) + average_rows(scores)
    table = html_table("Scores by class", rows, columns=HEADINGS)
    sections = (
        _section("Likely label errors", [errors, *notes], found.label_errors, shown),
        _section("Most wrong", [WORST_NOTE], found.worst, shown),
        f'<section class="card table">{table}</section>',
    )
    style = (_REPORT / "page.css", _WEB / "mistakes.css")
    page = Template((_WEB / "mistakes.html").read_text("utf-8")).substitute(
        title=escape(title),
        facts=f"{scores.count:,} images, {scores.accuracy:.2%} right. {LEGEND}",
        style="\n".join(file.read_text("utf-8") for file in style),
        sections="\n".join(sections),
    )
    write_text(path, page)
    return found


def _section(
    heading: str,
    notes: Sequence[str],
    mistakes: Sequence[Mistake],
    pictures: Mapping[int, str],
) -> str:
    said = "".join(f'<p class="note">{escape(note)}</p>' for note in notes)
    figures = "".join(_figure(mistake, pictures) for mistake in mistakes)
    return (
        f'<section class="card"><h2>{escape(heading)}</h2>{said}'
        f'<div class="grid">{figures}</div></section>'
    )


def _figure(mistake: Mistake, pictures: Mapping[int, str]) -> str:
    label, predicted = escape(mistake.label), escape(mistake.predicted)
    name = escape(mistake.image)
    return (
        f"<figure>{pictures[mistake.index]}<figcaption><dl>"
        f'<dt class="label" title="label: {label}">{label}</dt>'
        f"<dd>{mistake.label_probability:.1%}</dd>"
        f'<dt class="guess" title="predicted: {predicted}">{predicted}</dt>'
        f"<dd>{mistake.predicted_probability:.1%}</dd></dl>"
        f'<p class="file" title="{name}">{escape(Path(mistake.image).name)}</p>'
        "</figcaption></figure>"
    )


def _pictures(images: ImageSet, mistakes: Sequence[Mistake]) -> dict[int, str]:
    """Return the image element of each mistake, by its index."""
    indices = sorted({mistake.index for mistake in mistakes})
    if not indices:
        return {}
    pictures = images.examples.images(np.array(indices))
    return {i: _element(p) for i, p in zip(indices, pictures, strict=True)}


def _element(picture: np.ndarray) -> str:
    from PIL import Image

    shown = Image.fromarray(as_picture(picture))
    kind = ' class="coarse"' if max(shown.size) <= COARSE else ""
    shown.thumbnail((SIDE, SIDE))
    return f'<img{kind} alt="" src="{as_url(np.asarray(shown))}">'
