"""Files as people have them: wrapped, pickled with code, damaged, or something else."""

import argparse
import warnings
import zipfile

import keras
import numpy as np
import pytest

from keras_cnnzoo import build, weights
from keras_cnnzoo.weights.loading import values_of


@pytest.fixture
def model():
    return build("cifar_resnet20")


def _save(path, content):
    import torch

    torch.save(content, path)
    return path


def _unchanged(model, source, match, error=ValueError):
    before = {path: np.array(value) for path, value in values_of(model).items()}
    with pytest.raises(error, match=match) as raised:
        weights.load(model, source)
    for path, value in values_of(model).items():
        np.testing.assert_array_equal(value, before[path])
    return str(raised.value)


def _state(value):
    import torch

    return {"head.weight": torch.full((10, 64), value), "head.bias": torch.zeros(10)}


@pytest.mark.once
class TestSeveralStateDicts:
    @pytest.mark.parametrize(
        ("first", "other"),
        [("state_dict", "state_dict_ema"), ("model", "model_ema"), ("params", "ema")],
    )
    def test_the_one_that_is_taken_is_said_and_the_other_can_be_chosen(
        self, tmp_path, first, other
    ):
        checkpoint = {other: _state(2.0), first: _state(1.0), "epoch": 3}
        path = _save(tmp_path / "a.pth", checkpoint)
        with pytest.warns(UserWarning, match=rf"{first!r} is taken.*{other!r}"):
            assert weights.read(path)["head.weight"].max() == 1
        assert weights.read(path, entry=other)["head.weight"].max() == 2
        assert weights.from_torch(checkpoint, entry=other)["head.weight"].max() == 2
        with pytest.raises(ValueError, match=rf"no state dict 'x'.*{other}, {first}"):
            weights.read(path, entry="x")

    def test_load_takes_the_choice_as_well(self, tmp_path, model, recwarn):
        state = {"linear.weight": np.full((10, 64), 2.0)}
        path = _save(
            tmp_path / "a.pth",
            {"state_dict": _state(1.0), "state_dict_ema": _torch(state)},
        )
        weights.load(model, path, entry="state_dict_ema", strict=False)
        assert values_of(model)["head/kernel"].max() == 2
        assert not [w for w in recwarn if "taken" in str(w.message)]

    def test_one_alone_needs_no_words(self, tmp_path, recwarn):
        path = _save(tmp_path / "a.pth", {"model": {"state_dict": _state(1.0)}})
        assert set(weights.read(path)) == {"head.weight", "head.bias"}
        assert not recwarn.list


def _torch(state):
    import torch

    return {name: torch.tensor(value) for name, value in state.items()}


@pytest.mark.once
class TestWhatIsNoCheckpoint:
    @pytest.mark.parametrize(
        "content",
        [
            {"state_dict": print},
            {"state_dict": {}, "args": argparse.Namespace(lr=1)},
            argparse.Namespace(a=1),
        ],
    )
    def test_objects_are_named_and_never_called_damage(self, tmp_path, model, content):
        path = _save(tmp_path / "evil.pth", content)
        said = _unchanged(model, path, r"evil\.pth.*Python objects.*not opened")
        assert "cut short" not in said
        assert "weights_only" not in said
        assert "print" in said or "Namespace" in said

    def test_a_whole_module_and_a_program_likewise(self, tmp_path, model):
        import torch

        path = _save(tmp_path / "module.pth", torch.nn.Linear(2, 2))
        assert "Linear" in _unchanged(model, path, "Python objects")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            program = torch.jit.script(torch.nn.Linear(2, 2))
        torch.jit.save(program, tmp_path / "program.pt")
        said = _unchanged(model, tmp_path / "program.pt", "TorchScript")
        assert "weights_only" not in said

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
    @pytest.mark.parametrize("old", [True, False])
    def test_a_cut_file_is_called_so(self, tmp_path, model, share, old):
        import torch

        path = tmp_path / "cut.pth"
        state = _torch({"linear.weight": np.ones((10, 64))})
        torch.save(state, path, _use_new_zipfile_serialization=not old)
        whole = path.read_bytes()
        path.write_bytes(whole[: int(share * len(whole))])
        said = _unchanged(model, path, "cut short")
        assert "weights_only" not in said

    @pytest.mark.parametrize(
        "name", ["a.pth", "a.safetensors", "a.npz", "a.h5", "a.weights.h5", "a.keras"]
    )
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS"),
            (b"\xef\xbb\xbf\n<!doctype HTML>\n<html></html>", "web page"),
            (b"", "empty"),
            (b"\x89HDF\r\n\x1a\nPK rot", "cannot be read"),
            (b"rot", "cannot be read"),
        ],
    )
    def test_what_it_is_instead_is_said(self, tmp_path, model, name, content, said):
        path = tmp_path / name
        path.write_bytes(content)
        _unchanged(model, path, said)


@pytest.mark.once
@pytest.mark.parametrize("end", [".keras", ".weights.h5"])
@pytest.mark.parametrize("share", [0.1, 0.6, 0.99])
def test_a_cut_file_of_keras_is_there_and_damaged(tmp_path, model, end, share):
    path = tmp_path / f"cut{end}"
    (model.save if end == ".keras" else model.save_weights)(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    said = _unchanged(model, path, "cannot be read")
    assert "File not found" not in said


@pytest.mark.once
def test_a_saved_model_without_weights_is_said_to_have_none(tmp_path, model):
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    _unchanged(model, tmp_path / "a.keras", r"no model\.weights\.h5, only config\.json")


@pytest.mark.parametrize("end", [".keras", ".weights.h5"])
def test_a_file_that_does_not_fit_changes_nothing(tmp_path, model, end):
    other = build("cifar_resnet20", classes=7)
    path = tmp_path / f"other{end}"
    (other.save if end == ".keras" else other.save_weights)(path)
    _unchanged(model, path, "head/kernel")
    report = weights.load(model, path, strict=False)
    assert report.mismatched == ("head/kernel", "head/bias")
    np.testing.assert_array_equal(
        values_of(model)["stem_conv/kernel"], values_of(other)["stem_conv/kernel"]
    )


@pytest.mark.once
@pytest.mark.parametrize("end", [".keras", ".weights.h5"])
def test_files_of_keras_come_back_whatever_is_around_the_model(tmp_path, model, end):
    options = {"input_shape": (32, 32, 3), "classes": 10}
    trained = build("cifar_resnet20", **options)
    loss = "sparse_categorical_crossentropy"
    trained.compile("adam", loss, run_eagerly=True)
    trained.train_on_batch(np.ones((4, 32, 32, 3)), np.zeros(4))
    wrapper = keras.Sequential([keras.Input((32, 32, 3)), trained])
    frozen = build("cifar_resnet20", **options)
    frozen.set_weights(trained.get_weights())
    frozen.trainable = False
    for number, saved in enumerate((trained, wrapper, frozen)):
        path = tmp_path / f"{number}{end}"
        (saved.save if end == ".keras" else saved.save_weights)(path)
        twin = build("cifar_resnet20", **options)
        twin.get_layer("head").trainable = False
        assert weights.load(twin, path).complete
        for path, value in values_of(trained).items():
            np.testing.assert_array_equal(values_of(twin)[path], value)


def test_half_precision_is_read_from_every_kind_of_file(tmp_path):
    import torch
    from safetensors.torch import save_file

    half = {"a": torch.tensor([1.5, -2.0]).bfloat16(), "b": torch.ones(2).half()}
    save_file(half, tmp_path / "a.safetensors")
    torch.save(half, tmp_path / "a.pth")
    for name in ("a.safetensors", "a.pth"):
        found = weights.read(tmp_path / name)
        np.testing.assert_array_equal(found["a"], [1.5, -2.0])
        np.testing.assert_array_equal(found["b"], [1, 1])
    layer = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="a")])
    layer = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(2, name="a", dtype="bfloat16")]
    )
    layer.save_weights(tmp_path / "a.weights.h5")
    found = weights.read(tmp_path / "a.weights.h5")
    expected = keras.ops.convert_to_numpy(
        keras.ops.cast(layer.layers[0].kernel, "float32")
    )
    np.testing.assert_array_equal(found["a/0"], expected)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_said(model, bad):
    values = {path: np.array(value) for path, value in values_of(model).items()}
    values["stem_conv/kernel"][0, 0, 0, 0] = bad
    with pytest.warns(UserWarning, match=r"NaN or infinite.*stem_conv/kernel"):
        report = weights.load(model, values)
    assert report.not_finite == ("stem_conv/kernel",)
    assert not report.complete
    assert "NaN" in str(report)
    with pytest.warns(UserWarning, match="NaN or infinite"):
        build("cifar_resnet20", weights=values)


def test_an_assignment_that_fails_takes_all_others_back(model, monkeypatch):
    values = {path: np.array(x) + 1 for path, x in values_of(model).items()}
    last = model.weights[-1]
    real = type(last).assign

    def assign(self, value):
        if self is last and np.asarray(value).max() >= 1:
            raise KeyboardInterrupt
        return real(self, value)

    monkeypatch.setattr(type(last), "assign", assign)
    _unchanged(model, values, "", KeyboardInterrupt)


@pytest.mark.once
class TestWhoseAFileIs:
    @pytest.fixture
    def path(self, tmp_path):
        """A file in torchvision's names of no row that the card knows."""
        path = tmp_path / "theirs.safetensors"
        weights.save_safetensors(build("squeezenet1_1"), path, names="torchvision")
        return path

    def test_where_sources_differ_the_caller_says_it(self, path):
        with pytest.raises(
            weights.UnknownPreprocessingError,
            match=r"\(tag, path\).*deepscale/squeezenet_v1\.1, torchvision/",
        ) as raised:
            build("squeezenet1_1", weights=path)
        assert "torchvision/IMAGENET1K_V1" in raised.value.tags
        with pytest.raises(weights.UnknownPreprocessingError, match="a mapping"):
            build("squeezenet1_1", weights=weights.read(path))

    @pytest.mark.parametrize(
        ("tag", "white"),
        [
            ("deepscale/squeezenet_v1.1", [151.0, 138.0, 132.0]),
            ("torchvision/IMAGENET1K_V1", [2.249, 2.429, 2.640]),
        ],
    )
    def test_a_tag_says_it(self, path, tag, white):
        for given in (path, weights.read(path)):
            model = build("squeezenet1_1", weights=(tag, given))
            seen = model.get_layer("normalization")(np.full((1, 1, 1, 3), 255.0))
            seen = keras.ops.convert_to_numpy(seen)
            np.testing.assert_allclose(np.ravel(seen), white, rtol=1e-2)

    def test_our_own_file_says_it_itself(self, tmp_path):
        path = tmp_path / "own.safetensors"
        weights.save_safetensors(build("squeezenet1_1"), path)
        build("squeezenet1_1", weights=path)

    def test_where_nothing_is_normalised_nothing_is_asked(self, path):
        build("squeezenet1_1", weights=path, preprocessing=False)

    def test_where_all_sources_agree_none_is_asked(self, tmp_path):
        path = tmp_path / "theirs.safetensors"
        options = {"input_shape": (32, 32, 3), "blocks": (1, 1)}
        weights.save_safetensors(build("resnet34", **options), path, "torchvision")
        build("resnet34", weights=path, **options)


@pytest.mark.once
@pytest.mark.parametrize("given", [3, object(), ["a.pth"]])
def test_what_weights_are_given_as_is_said(given):
    with pytest.raises(TypeError, match=r"a tag, a path, a mapping"):
        build("lenet5", weights=given)
