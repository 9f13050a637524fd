"""Assemble a report as one self-contained HTML file."""

import html
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

from keras_cnnzoo.inspect.report.array_text import as_json, pack

_WEB = resources.files("keras_cnnzoo.inspect.report") / "web"
#: The page's scripts; each may use those before it.
SCRIPTS = (
    "data.js",
    "dom.js",
    "colours.js",
    "state.js",
    "photo.js",
    "answers.js",
    "layers.js",
    "maps.js",
    "channel.js",
    "arithmetic.js",
    "filters.js",
    "main.js",
)


def make_page(
    title: str, manifest: Mapping[str, Any], blocks: Mapping[str, Mapping[str, Any]]
) -> str:
    """Return the HTML text of the page.

    Args:
        title: Title of the page.
        manifest: The page's data apart from the arrays.
        blocks: From each block's id to its arrays by name; see `array_text.pack`.
    """
    index, texts = {}, []
    for name, arrays in blocks.items():
        index[name], text = pack(arrays)
        texts.append(
            f'<script type="text/plain" id="{html.escape(name)}">{text}</script>'
        )
    data = json.dumps(
        as_json({**manifest, "blocks": index}), ensure_ascii=False, allow_nan=False
    )
    script = "\n".join((_WEB / name).read_text("utf-8") for name in SCRIPTS)
    parts = {
        "title": html.escape(title),
        "style": (_WEB / "page.css").read_text("utf-8"),
        "blocks": "\n".join(texts),
        # Escape "<", so that no text inside can close the script element.
        "manifest": data.replace("<", "\\u003c"),
        "script": f'(() => {{\n"use strict";\n{script}\n}})();',
    }
    page = (_WEB / "page.html").read_text("utf-8")
    # Do not use `replace`: the inserted parts may contain such marks themselves.
    pieces = []
    for piece in page.split("<!--"):
        name, mark, rest = piece.partition("-->")
        pieces.append(parts[name.strip()] + rest if mark else piece)
    return "".join(pieces)
