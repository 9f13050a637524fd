"""A verified row goes stale when a number may change, and only then."""

import inspect
import sys

import pytest

from keras_cnnzoo.registry import family_of
from keras_cnnzoo.verify import code
from keras_cnnzoo.verify.digest import digest, model_code

pytestmark = pytest.mark.once


@pytest.fixture
def edited(monkeypatch):
    """A function that digests a model after a change of some module's text."""
    source = inspect.getsource

    def forget():
        code._tree.cache_clear()
        code._definitions.cache_clear()

    def change(name, module, edit):
        module = sys.modules[f"keras_cnnzoo.{module}"]
        assert edit[0] in source(module)
        new = source(module).replace(*edit, 1)
        with monkeypatch.context() as patch:
            patch.setattr(
                inspect, "getsource", lambda m: new if m is module else source(m)
            )
            forget()
            found = digest(name)
        forget()
        return found

    return change


def test_words_types_and_messages_change_nothing(edited):
    before = digest("resnet18")
    comment = "    def _steps", "    # A comment.\n    def _steps"
    assert edited("resnet18", "layers.residual", comment) == before
    docstring = '"""Yield each step', '"""Yield, in order, each step'
    assert edited("resnet18", "layers.residual", docstring) == before
    typed = "def _bn(self, name: str,", "def _bn(self, name: object,"
    assert edited("resnet18", "layers.residual", typed) == before
    call = "def call(self, inputs: Any, training: bool | None = None) -> Any:"
    untyped_call = (
        "def call(self, inputs, training=None):\n"
        '        """Add what the body found to the input."""\n'
        "        assert inputs is not None\n"
    )
    assert edited("resnet18", "layers.residual", (call, untyped_call)) == before
    other = call, f"{call}\n        inputs = -inputs"
    assert edited("resnet18", "layers.residual", other) != before
    message = "`ratio` must be above 0", "`ratio` has to be above 0"
    assert edited("resnet18", "layers.attention", message) == before
    stub = (
        "def conv(",
        "@overload\ndef conv(x: int) -> int: ...\ndef conv(",
    )
    assert edited("resnet18", "blocks.conv", stub) == before


def test_what_a_model_does_not_use_changes_nothing(edited):
    before = digest("resnet18")
    unused = "def depthwise(", "def unused():\n    return 7\n\n\ndef depthwise("
    assert edited("resnet18", "blocks.conv", unused) == before
    body = "def depthwise(", "def depthwise(more, "
    assert edited("resnet18", "blocks.conv", body) == before
    assert edited("convnext_tiny", "blocks.conv", body) != digest("convnext_tiny")
    described = (
        "return super().get_config() | plain | own",
        "own |= {'more': 1}\n        return super().get_config() | plain | own",
    )
    assert edited("resnet18", "layers.residual", described) == before


def test_constants_defaults_and_kernels_count(edited, monkeypatch):
    before = digest("resnet18")
    kernel = "(3, 1) if deep else (7, 2)", "(3, 1) if deep else (5, 2)"
    assert edited("resnet18", "models.resnet", kernel) != before
    default = "bn_momentum: float = 0.9", "bn_momentum: float = 0.99"
    assert edited("resnet18", "layers.residual", default) != before
    inner = "floor(value / divisor + 0.5)", "floor(value / divisor + 0.4)"
    assert edited("resnet18", "layers.attention", inner) != before
    constants = sys.modules["keras_cnnzoo.blocks.conv"].BATCH_NORM
    monkeypatch.setitem(constants, "epsilon", 1e-2)
    assert digest("resnet18") != before


def test_a_models_own_row_counts_and_its_neighbours_do_not(monkeypatch):
    family = family_of("resnet18")
    before = {name: digest(name) for name in ("resnet18", "resnet34")}
    row = family.variants["resnet34"]
    fewer = type(row)(**vars(row) | {"config": family.variants["resnet18"].config})
    told = type(row)(**vars(row) | {"claims": (), "params": 1, "deviations": ("none",)})
    monkeypatch.setitem(family.variants, "resnet34", told)
    assert {name: digest(name) for name in before} == before
    monkeypatch.setitem(family.variants, "resnet34", fewer)
    assert digest("resnet34") != before["resnet34"]
    assert digest("resnet18") == before["resnet18"]


def test_names_are_followed_through_modules_classes_and_tables():
    used = {name.removeprefix("keras_cnnzoo.") for name in model_code("resnet50").names}
    assert {
        "models.resnet:body",
        "models.resnet:_block",  # from the names of torchvision
        "blocks.heads:average_classifier",
        "layers.residual:ResidualBlock",
        "layers.attention:SqueezeExcite",  # from the table of gates
        "layers.attention:round_to",
        "layers.normalization:ColorNormalization",  # of every model
    } <= used
    assert not any(name.startswith(("weights", "layers.registry")) for name in used)
    assert "layers.power:lp_norm" in {
        name.removeprefix("keras_cnnzoo.") for name in model_code("lenet5").names
    }
    assert digest("resnext50_32x4d") != digest("resnet50")
