"""Generate the pages of layers and families, the table of models and the results.

Run it before MkDocs:
    python docs/generate.py && mkdocs build --strict
"""

import shutil
from pathlib import Path

from family_page import applications_table, cards, family_page, summary
from tables import page, size, table

import keras_cnnzoo
from keras_cnnzoo import registry
from keras_cnnzoo.layers.registry import layer_class
from keras_cnnzoo.verify import table as verified
from keras_cnnzoo.verify.comparison import TELLING, TOLERANCE

DOCS = Path(__file__).parent
#: A hyphen at which a narrow column does not break a number such as 1.9e-06.
UNBROKEN = "\N{NON-BREAKING HYPHEN}"


def pages() -> dict[str, str]:
    """Return the text of every generated page, by its path below `docs/`.

    Layers and families of plugins get no page; plugins have their own documentation.
    """
    layers = {name: summary(layer_class(name)) for name in _own_layers()}
    families = [f for f in registry.families() if _is_own(f.body)]
    return {
        "models.md": _models_page(families),
        "verified.md": _verified_page(),
        "layers/index.md": _index(
            "Layers",
            "Each layer depends only on Keras and can be used in any model; "
            "[Layers in your own model](../using-layers.md) shows how.",
            layers,
        ),
        **{f"layers/{name}.md": _layer_page(name) for name in layers},
        "families/index.md": _index(
            "Families",
            "A family is one architecture with its sizes. [All models](../models.md) "
            "lists every name.",
            {f.name: summary(registry.module_of(f)) for f in families},
        ),
        **{f"families/{f.name}.md": family_page(f) for f in families},
    }


def _is_own(thing) -> bool:
    return thing.__module__.partition(".")[0] == keras_cnnzoo.__name__


def _own_layers() -> list[str]:
    return [n for n in keras_cnnzoo.list_layers() if _is_own(layer_class(n))]


def _index(title: str, introduction: str, summaries: dict[str, str]) -> str:
    rows = [(f"[{name}]({name}.md)", text) for name, text in summaries.items()]
    return page(title, introduction, table(("Name", "What it is"), rows))


def _layer_page(name: str) -> str:
    options = "    options:\n      heading_level: 1"
    return f"::: keras_cnnzoo.layers.{name}\n{options}\n"


def _models_page(families) -> str:
    own = [f for f in families if f.twin is None]
    rows = [
        (
            f"`{name}`",
            f"[{family.name}](families/{family.name}.md)",
            str(about.paper.year),
            size(about.input_shape),
            f"{about.classes:,}",
            f"{about.params:,}",
            f"{about.macs / 1e6:,.1f} M",
        )
        for family in own
        for name, about in cards(family)
    ]
    header = ("Name", "Family", "Year", "Input", "Classes:", "Parameters:", "MACs:")
    theirs = [f for f in families if f.twin is not None]
    # The wide table needs the space of the table of contents.
    return "---\nhide: [toc]\n---\n\n" + page(
        "All models",
        "`keras_cnnzoo.build` takes each of these names, and so does `cnnzoo train`. "
        "Parameters are the trainable ones, and MACs the multiply-accumulates for one "
        "image, both for the input size and the number of classes in the same row.",
        table(header, rows),
        "## From Keras Applications",
        "[How they are built](families/keras_applications.md). `cnnzoo show NAME` "
        "measures parameters and MACs.",
        *(applications_table(family) for family in theirs),
    )


def _verified_page() -> str:
    rows = verified.read(DOCS / "verified.csv").values()
    header = (
        "Name",
        "Reference",
        "Sizes",
        "Logits:",
        "Feature maps:",
        "Apart:",
        "Parameters:",
        "MACs:",
    )
    return "---\nhide: [toc]\n---\n\n" + page(
        "Verified",
        "Each of these models was compared with a reference implementation. Both had "
        "the same random weights and batch norm statistics, and the same images of two "
        "sizes. The columns Logits and Feature maps show the largest difference of the "
        "logits and of the stages' feature maps, as a share of their spread; up to "
        f"{TOLERANCE:g} counts as equal. Apart shows how much the logits of the two "
        "images differ, in the same measure: if a network had nearly the same output "
        "for all images, equality would prove little, so Apart must be at least "
        f"{TELLING:g}. The reference `paper` is an implementation of the paper in "
        "PyTorch, written for this comparison. "
        "Parameters are the trainable ones, and MACs the multiply-accumulates for one "
        "image of the model's own size.",
        "`cnnzoo verify --table docs/verified.csv` writes these results.",
        table(
            header,
            (
                (
                    f"`{row.name}`",
                    f"{row.reference} {row.version}".strip(),
                    row.sizes.replace(" ", ", "),
                    row.logits.replace("-", UNBROKEN),
                    row.features.replace("-", UNBROKEN),
                    row.apart,
                    f"{row.params:,}",
                    f"{row.macs / 1e6:,.1f} M",
                )
                for row in rows
            ),
        ),
    )


def main() -> None:
    """Write all pages, and delete those of removed layers and families."""
    for folder in ("layers", "families"):
        shutil.rmtree(DOCS / folder, ignore_errors=True)
        (DOCS / folder).mkdir()
    written = pages()
    for place, text in written.items():
        (DOCS / place).write_text(text, encoding="utf-8")
    print(f"{len(written)} pages written below {DOCS}")


if __name__ == "__main__":
    main()
