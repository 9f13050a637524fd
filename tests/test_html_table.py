"""What shows itself as a table in a notebook: whole, without a script, and escaped."""

import dataclasses
from html.parser import HTMLParser

import keras
import pytest
from keras import layers

from keras_cnnzoo import card
from keras_cnnzoo.html_table import html_table
from keras_cnnzoo.inspect import profile, receptive_field
from keras_cnnzoo.weights import LoadReport

pytestmark = pytest.mark.once
EVIL = '<script>alert("&")</script>'


class _Table(HTMLParser):
    """The cells of each row, and all tags."""

    def __init__(self, html):
        super().__init__()
        self.rows, self.tags, self.text = [], set(), ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_data(self, data):
        self.text += data
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def _read(shown):
    table = _Table(shown._repr_html_())
    assert table.tags <= {"p", "b", "table", "thead", "tbody", "tr", "th", "td"}
    return table


def _model(name="a<b>&c"):
    conv = layers.Conv2D(2, 3, name=name)
    return keras.Sequential([keras.Input((8, 8, 3)), conv, layers.Flatten()], name="m")


def test_every_text_is_escaped():
    html = html_table(EVIL, [(EVIL, EVIL)], columns=(EVIL, EVIL), notes=[EVIL])
    table = _Table(html)
    assert "script" not in table.tags
    assert table.rows == [[EVIL, EVIL], [EVIL, EVIL + EVIL]]  # the note is behind it
    assert table.text.count(EVIL) == 6


def test_profile():
    costs = profile(_model(), batch_size=2)
    table = _read(costs)
    assert table.text.startswith("m: 2 images of 8x8x3")
    assert table.rows[0][:4] == ["layer", "kind", "output", "params"]
    assert table.rows[1][:4] == ["a<b>&c", "Conv2D", "6x6x2", "56"]
    assert "56 trainable parameters" in table.text


# TensorFlow runs no layer whose name has one of "<" and "&".
@pytest.mark.parametrize(("empirical", "name"), [(False, "a<b>&c"), (True, "a>b")])
def test_receptive_fields(empirical, name):
    fields = receptive_field(_model(name), layers.Conv2D, empirical=empirical)
    assert fields == {name: fields[name]}  # a dictionary like any other
    rows = _read(fields).rows
    assert rows[0] == ["layer", "size", "stride", "start"]
    assert rows[1] == [name, "3 x 3", "1 x 1", "0 x 0"]


def test_load_report():
    names = tuple(f"layer{i}/kernel" for i in range(8))
    table = _read(LoadReport(EVIL, names, missing=("<a>/bias",), not_finite=names[:1]))
    assert table.text.startswith(f"Weights from {EVIL}")
    assert table.rows == [
        ["loaded", "8", ""],
        ["missing", "1", "<a>/bias"],
        ["NaN or infinite values", "1", "layer0/kernel"],
    ]


def test_card():
    shown = card("resnet18")
    rows = {row[0]: row[1] for row in _read(shown).rows}
    assert shown.paper.title in rows["paper"]
    assert rows["input"] == "224 x 224 x 3"
    assert rows["trainable parameters"] == f"{shown.params:,}"
    assert rows["multiply-accumulates an image"] == f"{shown.macs:,}"
    tags = [row[1].split(" (")[0] for row in _read(shown).rows if row[0] == "weights"]
    assert tags == [weights.tag for weights in shown.weights]
    evil = dataclasses.replace(shown, deviations=(EVIL,))
    assert _read(evil).rows[-1][1] == EVIL
