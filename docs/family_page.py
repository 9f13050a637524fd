"""Write the page of a family: paper, models, options, features, weights, figures."""

import dataclasses
import functools
import inspect

import griffe
import published
from tables import bullets, codes, page, settings, size, table

from keras_cnnzoo import catalogue, registry
from keras_cnnzoo.registry.entries import entry_of


def family_page(family) -> str:
    """Write the page; no network of Keras Applications is built or measured."""
    theirs = family.twin is not None
    paper = family.paper
    about = [card for _, card in cards(family)]
    return page(
        family.name,
        inspect.getdoc(registry.module_of(family)),
        f"[{paper.title}]({paper.url}), {paper.authors}, {paper.year}.",
        "## Models",
        applications_table(family) if theirs else _variants_table(family),
        "" if theirs else _options(family),
        _deviations(about, "Keras Applications" if theirs else "the paper"),
        "## Features",
        "`stage{n}` is the last feature map whose stride is `2**n`."
        if theirs
        else stages(family),
        "## Weights",
        _names(family),
        *published.weights_and_preprocessing(about),
        published.claims(about),
        published.results(about),
    )


def _variants_table(family) -> str:
    rows = [
        (
            f"`{name}`",
            size(about.input_shape),
            f"{about.classes:,}",
            f"{about.params:,}",
            f"{about.macs:,}",
            settings(_chosen(family.variants[name].config)),
        )
        for name, about in cards(family)
    ]
    header = ("Name", "Input", "Classes:", "Parameters:", "MACs:", "Options it sets")
    return table(header, rows)


def applications_table(family) -> str:
    """List the models of Keras Applications, each with its own paper."""
    rows = [
        (
            f"`{name}`",
            f"[{about.paper.title}]({about.paper.url}), {about.paper.year}",
            size(about.input_shape),
            settings(about.config),
        )
        for name, about in cards(family)
    ]
    return table(("Name", "Paper", "Input", "Options"), rows)


def _chosen(config) -> dict:
    """Return the options of a configuration that differ from the defaults."""
    return {
        field.name: getattr(config, field.name)
        for field in dataclasses.fields(config)
        if getattr(config, field.name) != field.default
    }


def _options(family) -> str:
    """Describe the options, from the configuration's fields and docstring."""
    config = type(next(iter(family.variants.values())).config)
    sections = griffe.Docstring(inspect.getdoc(config)).parse("google")
    about = {
        attribute.name: " ".join(attribute.description.split())
        for section in sections
        if section.kind is griffe.DocstringSectionKind.attributes
        for attribute in section.value
    }
    rows = [
        (
            f"`{field.name}`",
            "set by the model"
            if field.default is dataclasses.MISSING
            else f"`{field.default!r}`",
            *([about.get(field.name, "")] if about else []),
        )
        for field in dataclasses.fields(config)
    ]
    return "\n\n".join(
        [
            "## Options",
            f"{summary(config)} Pass these options to `build`.",
            table(("Option", "Default", *(["Meaning"] if about else [])), rows),
        ]
    )


def _deviations(about: list[registry.Card], what: str) -> str:
    """List the deviations, each with the models that have it."""
    found: dict[str, list[str]] = {}
    for card in about:
        for text in card.deviations:
            found.setdefault(text, []).append(card.name)
    if not found:
        return ""
    lines = [
        text if len(names) == len(about) else f"{codes(names)}: {text}"
        for text, names in found.items()
    ]
    return f"## Where it differs from {what}\n\n{bullets(lines)}"


_recorded = functools.cache(catalogue.recorded)


def stages(family) -> str:
    """Write the table of the feature maps of the family's first model."""
    name = next(iter(family.variants))
    # As recorded: to compute a stride, a network is built for several image sizes.
    found = (_recorded().get(name) or entry_of(registry.card(name)))["stages"]
    if not found:
        return "There are none: the model has no feature maps."
    rows = [(f"`{s['name']}`", f"{s['stride']}", f"{s['channels']:,}") for s in found]
    introduction = f'The feature maps that `build("{name}", features=...)` returns:'
    return f"{introduction}\n\n{table(('Stage', 'Stride:', 'Channels:'), rows)}"


def _names(family) -> str:
    maps = [f"`{name}`" for name in family.name_maps]
    theirs = f", or those of {', '.join(maps)}" if maps else ""
    return f"The variables in a weights file may have our names{theirs}."


def cards(family) -> list[tuple[str, registry.Card]]:
    """Return every model's name and card."""
    return [(name, registry.card(name)) for name in family.variants]


def summary(thing) -> str:
    """Return the first line of a docstring."""
    return inspect.getdoc(thing).partition("\n")[0]
