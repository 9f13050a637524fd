"""The card of a model as HTML for notebooks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from keras_cnnzoo.html_table import html_table

if TYPE_CHECKING:
    from keras_cnnzoo.registry.facts import Card


def card_html(card: "Card", costs: Mapping[str, int | None]) -> str:
    """Return a card as self-contained HTML.

    Args:
        card: The card.
        costs: `params` and `macs`; None if they are not known without building the
            model.
    """
    paper = card.paper
    size = " x ".join(str(n or "any") for n in card.input_shape)
    rows = [
        ("family", f"{card.family} ({card.source}, {card.license or 'no licence'})"),
        ("paper", f"{paper.title}, {paper.authors}, {paper.year}, {paper.url}"),
        ("task", f"{card.task}, {card.classes:,} classes"),
        ("input", size),
        *(
            (label, f"{number:,}")
            for label, number in (
                ("trainable parameters", costs.get("params")),
                ("multiply-accumulates an image", costs.get("macs")),
            )
            if number is not None
        ),
        *(("weights", f"{w.tag} ({w.license})") for w in card.weights),
        *(("claim", f"{c.metric}: {c.value:g} ({c.source})") for c in card.claims),
        *(("result", f"{r.metric}: {r.value:g} ({r.date})") for r in card.results),
        *(("deviation", text) for text in card.deviations),
    ]
    return html_table(card.name, rows)
