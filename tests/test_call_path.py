"""Names of calls are read and written in one way."""

import pytest

from keras_cnnzoo.call_path import CallPath

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("conv", CallPath("conv")),
        ("block/conv:12", CallPath("block/conv", 12)),
        ("block:a", CallPath("block:a")),
        ("block:0", CallPath("block:0")),  # A first call has no number.
        ("block:", CallPath("block:")),
    ],
)
def test_what_is_written_is_read(text, path):
    assert CallPath.parse(text) == path
    assert str(path) == text


def test_a_layer_whose_name_ends_like_a_call_is_known_by_its_name():
    assert CallPath.parse("block:1", {"block:1"}) == CallPath("block:1")
    assert CallPath.parse("block:1", {"block"}) == CallPath("block", 1)
    assert CallPath.parse("block:1:1", {"block:1"}) == CallPath("block:1", 1)


def test_what_is_inside_a_block_is_so_at_the_same_call():
    assert CallPath("block/conv", 1).is_inside(CallPath("block", 1))
    assert not CallPath("block/conv").is_inside(CallPath("block", 1))
    assert not CallPath("blocks/conv").is_inside(CallPath("block"))
