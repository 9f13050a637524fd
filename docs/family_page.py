"""The page of a family: paper, models, options, features, weights, numbers."""

import dataclasses
import inspect

import griffe
from tables import bullets, link, numbers, page, settings, size, table

from keras_cnnzoo import registry

APPLICATIONS = "keras.applications"


def family_page(family) -> str:
    """Write the page; for Keras Applications nothing is built or measured."""
    theirs = family.source == APPLICATIONS
    paper = family.paper
    return page(
        family.name,
        inspect.getdoc(registry.module_of(family)),
        f"[{paper.title}]({paper.url}), {paper.authors}, {paper.year}.",
        "## Models",
        applications_table(family) if theirs else _variants_table(family),
        "" if theirs else _options(family),
        _deviations(family),
        "## Features",
        "`stage{n}` is the last map whose stride is `2**n`."
        if theirs
        else _stages(family),
        "## Weights",
        _weights(family),
        _preprocessing(family),
        _claims(family),
        _results(family),
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
    """List the models of Keras Applications, whose papers differ."""
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
    """Describe the options by the configuration's fields and docstring."""
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
            f"{summary(config)} Pass them to `build` beside its own arguments.",
            table(("Option", "Default", *(["Meaning"] if about else [])), rows),
        ]
    )


def _deviations(family) -> str:
    lines = [
        *family.deviations,
        *(
            f"`{name}`: {text}"
            for name, variant in family.variants.items()
            for text in variant.deviations
        ),
    ]
    return f"## Where it differs from the paper\n\n{bullets(lines)}" if lines else ""


def _stages(family) -> str:
    name = next(iter(family.variants))
    stages = registry.card(name).stages
    if not stages:
        return "It has no maps to give: nothing in it is an image."
    rows = [(f"`{s.name}`", f"{s.stride}", f"{s.channels:,}") for s in stages]
    return f'Maps that `build("{name}", features=...)` gives:\n\n' + table(
        ("Stage", "Stride:", "Channels:"), rows
    )


def _weights(family) -> str:
    maps = [f"`{name}`" for name in family.name_maps]
    lines = [
        f"`{name}`: `{weights.tag}` from [{weights.source}]({weights.url}), "
        f"{weights.license}"
        for name, variant in family.variants.items()
        for weights in variant.weights
    ]
    known = f"our own and those of {', '.join(maps)}" if maps else "our own"
    return "\n\n".join(
        [
            f"Names of variables that a file may use: {known}.",
            bullets(lines)
            or "No weights are published under a tag yet; a path will do.",
        ]
    )


def _preprocessing(family) -> str:
    rows: dict[tuple[str, ...], list[str]] = {}
    for name, about in cards(family):
        fed = about.preprocessing
        row = (
            fed.order.upper() if len(fed.mean) > 1 else "grey",
            numbers(fed.mean),
            numbers(fed.std),
            _crop(fed),
            fed.interpolation,
        )
        rows.setdefault(row, []).append(f"`{name}`")
    header = ("Order", "Mean", "Standard deviation", "Crop", "Interpolation", "Models")
    everyone = len(rows) == 1
    lines = [(*row, "all" if everyone else ", ".join(n)) for row, n in rows.items()]
    introduction = "Images go in as pixels of 0..255; the first layer does the rest."
    return f"## Preprocessing\n\n{introduction}\n\n{table(header, lines)}"


def _crop(fed) -> str:
    """Say what is cut out of an image, and of which."""
    words = {"crop": "{:g}", "squash": "{:g}, of it stretched", "resize": "stretched"}
    return words[fed.fit].format(fed.crop)


def _claims(family) -> str:
    rows = [
        (f"`{name}`", claim.metric, f"{claim.value:g}", link(claim.source))
        for name, about in cards(family)
        for claim in (*about.claims, *(c for w in about.weights for c in w.claims))
    ]
    if not rows:
        return ""
    header = ("Model", "Metric", "Value:", "Source")
    introduction = "Quoted, not measured here."
    return f"## Published by others\n\n{introduction}\n\n{table(header, rows)}"


def _results(family) -> str:
    rows = [
        (
            f"`{name}`",
            result.metric,
            f"{result.value:g}",
            f"`{result.command}`",
            result.date,
            "" if result.seed is None else str(result.seed),
        )
        for name, about in cards(family)
        for result in about.results
    ]
    if not rows:
        return ""
    header = ("Model", "Metric", "Value:", "Command", "Date", "Seed:")
    return f"## Measured by this project\n\n{table(header, rows)}"


def cards(family) -> list[tuple[str, registry.Card]]:
    """Return every model's name and card."""
    return [(name, registry.card(name)) for name in family.variants]


def summary(thing) -> str:
    """Return the first line of a docstring."""
    return inspect.getdoc(thing).partition("\n")[0]
