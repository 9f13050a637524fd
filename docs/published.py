"""Write a family's tables of weights, preprocessing, claims and results.

All of them come from the cards of the family's models.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from tables import codes, link, numbers, settings, table

from keras_cnnzoo.cards import Claim, Preprocessing, Weights
from keras_cnnzoo.registry import Card


def weights_and_preprocessing(cards: Sequence[Card]) -> list[str]:
    """Write a table of all tags, and one of the preprocessings that it refers to."""
    known: dict[Preprocessing, list[str]] = {}
    for about in cards:
        known.setdefault(about.preprocessing, []).append(about.name)
    rows = []
    for about in cards:
        for weights in about.weights:
            fed = weights.preprocessing or about.preprocessing
            known.setdefault(fed, [])
            rows.append(
                (
                    f"`{about.name}`",
                    f"`{weights.tag}`",
                    f"[{weights.source}]({weights.url})",
                    weights.license,
                    str(list(known).index(fed) + 1),
                    settings(_sets(about, weights)),
                )
            )
    header = (
        "Model",
        "`weights=`",
        "Publisher",
        "Licence",
        "Preprocessing:",
        "Options",
    )
    published = (
        table(header, rows)
        if rows
        else "The cards list no published weights for these models. To load a file of "
        "your own, pass its path."
    )
    return [published, "## Preprocessing", _preprocessing(known)]


def _sets(about: Card, weights: Weights) -> dict[str, Any]:
    """Return the arguments of `build` that these weights set."""
    classes = weights.classes or about.classes
    own = {} if classes == about.classes else {"classes": classes}
    return own | dict(weights.options)


def _preprocessing(known: dict[Preprocessing, list[str]]) -> str:
    everyone = len(known) == 1
    rows = [
        (
            str(number),
            fed.order.upper() if len(fed.mean) > 1 else "grey",
            numbers(fed.mean),
            numbers(fed.std),
            _crop(fed),
            fed.interpolation,
            "all" if everyone else codes(models),
        )
        for number, (fed, models) in enumerate(known.items(), start=1)
    ]
    header = (
        *("Number:", "Order", "Mean", "Standard deviation", "Crop", "Interpolation"),
        "Models without weights",
    )
    introduction = (
        "The models take images with pixel values 0..255. The first layer computes "
        "`(pixel - mean) / standard deviation`. The crop is the share of the resized "
        "image that is kept, around its centre; `stretched` means that the kept part "
        "is resized to the model's size without keeping its aspect ratio."
    )
    return f"{introduction}\n\n{table(header, rows)}"


def _crop(fed: Preprocessing) -> str:
    """Describe the share of an image that is kept, and whether it is stretched."""
    words = {"crop": "{:g}", "squash": "{:g}, then stretched", "resize": "stretched"}
    return words[fed.fit].format(fed.crop)


def claims(cards: Sequence[Card]) -> str:
    """Write the table of others' figures, each with the tag that it belongs to."""
    rows = [
        (
            f"`{about.name}`",
            f"`{tag}`" if tag else "",
            claim.metric,
            f"{claim.value:g}",
            link(claim.source),
        )
        for about in cards
        for tag, claim in labelled(about)
    ]
    if not rows:
        return ""
    header = ("Model", "Weights", "Metric", "Value:", "Source")
    introduction = (
        "These figures are quoted from their sources; they were not measured here. "
        "Where the column of weights is empty, the figure is not for weights with a "
        "tag."
    )
    return f"## Published by others\n\n{introduction}\n\n{table(header, rows)}"


def labelled(about: Card) -> Iterator[tuple[str, Claim]]:
    """Yield a model's claims, each with the tag of its weights, or with "".

    A card may state a figure for the model and again for a tag. Then the figure belongs
    to the tag, as do the model's other figures from the same source.
    """
    stated = [(w.tag, claim) for w in about.weights for claim in w.claims]
    same = {
        (_site(claim.source), claim.value): (tag, claim)
        for tag, claim in reversed(stated)
    }
    repeated = [c for c in about.claims if (_site(c.source), c.value) in same]
    owners = {c.source: same[_site(c.source), c.value][0] for c in repeated}
    for claim in about.claims:
        if claim not in repeated:
            yield owners.get(claim.source, ""), claim
    yield from stated


def _site(source: str) -> str:
    return source.split("/")[2]


def results(cards: Sequence[Card]) -> str:
    """Write the table of this project's own measurements."""
    rows = [
        (
            f"`{about.name}`",
            result.metric,
            f"{result.value:g}",
            f"`{result.command}`",
            result.date,
            "" if result.seed is None else str(result.seed),
        )
        for about in cards
        for result in about.results
    ]
    if not rows:
        return ""
    header = ("Model", "Metric", "Value:", "Command", "Date", "Seed:")
    return f"## Measured by this project\n\n{table(header, rows)}"
