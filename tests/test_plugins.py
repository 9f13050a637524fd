"""Packages that bring models of their own, sound ones and broken ones."""

import subprocess
import sys
import warnings
from importlib.metadata import distributions

import pytest

from keras_cnnzoo import build, card, list_models, plugins
from keras_cnnzoo.registry import index

pytestmark = pytest.mark.once

HEAD = """
from dataclasses import dataclass
import keras
from keras_cnnzoo import register_layer
from keras_cnnzoo.blocks.heads import average_classifier
from keras_cnnzoo.cards import Family, Paper, Variant

@register_layer
class {layer}(keras.layers.Conv2D):
    pass

@dataclass(frozen=True)
class Config:
    width: int = 4

def body(x, config):
    return {{"stage1": {layer}(config.width, 3, name="conv")(x)}}

def family(name="plugged", variants=("plugged_small",), **fields):
    fields = dict(
        name=name, body=body, head=average_classifier, input_shape=(8, 8, 3),
        paper=Paper(title="-", authors="-", year=2026, url="https://example.org"),
        variants=dict.fromkeys(variants, Variant(config=Config())),
    ) | fields
    return Family(**fields)
"""


def _install(folder, package, code, points):
    """Lay a package and what its installer writes about it into a folder."""
    distribution = package.replace("_", "-")
    layer = f"Layer{package.title().replace('_', '')}"
    (folder / f"{package}.py").write_text(HEAD.format(layer=layer) + code)
    about = folder / f"{package}-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1\n"
    )
    lines = [f"{key} = {value}" for key, value in points.items()]
    text = "\n".join(["[keras_cnnzoo.families]", *lines, ""])
    (about / "entry_points.txt").write_text(text)


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder whose packages are the only plugins, in this process."""

    def points():
        found = sorted(distributions(path=[str(tmp_path)]), key=lambda d: d.name)
        return tuple(point for d in found for point in d.entry_points)

    modules = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(plugins, "points", points)
    for cached in (index._entries, index._index):
        cached.cache_clear()
    yield tmp_path
    for cached in (index._entries, index._index):
        cached.cache_clear()
    for name in {"toy_plugin", "a_plugin", "b_plugin"} & (set(sys.modules) - modules):
        del sys.modules[name]


def test_a_plugin_has_its_distributions_name_and_no_license_of_ours(site):
    _install(site, "toy_plugin", "FAMILY = family()", {"toy": "toy_plugin"})
    about = card("plugged_small")
    assert (about.source, about.license) == ("toy-plugin", None)
    assert list_models(source="toy-plugin") == ["plugged_small"]
    assert build("plugged_small", classes=3).output_shape == (None, 3)


def test_what_a_plugin_states_of_itself_stands(site):
    code = "FAMILY = family(source='the lab', license='MIT')"
    _install(site, "toy_plugin", code, {"toy": "toy_plugin:FAMILY"})
    about = card("plugged_small")
    assert (about.source, about.license) == ("the lab", "MIT")


#: Code of a plugin beside a sound one, what it names, and what is said of it.
BROKEN = {
    "family of ours": ("BAD = family('resnet', ('plugged_bad',))", "'resnet'"),
    "model of ours": (
        "BAD = family('other', ('resnet50', 'plugged_more'))",
        "resnet50",
    ),
    "model of a plugin": ("BAD = family('other', ('plugged_small',))", "plugged_small"),
    "another type": ("BAD = 5", "Received: 5"),
    "a class": ("BAD = Family", "Family"),
    "a module without a family": ("BAD = keras", "cards.Family"),
    "no such name": ("", "cannot be imported"),
    "fails": ("raise RuntimeError('out of order')", "out of order"),
    "variants of another type": ("BAD = family(variants=[])", "plugged"),
    "a variant of another type": (
        "import dataclasses; BAD = family('other', variants=())\n"
        "BAD = dataclasses.replace(BAD, variants={'plugged_bad': Config()})",
        "Variant",
    ),
    "a config of another type": (
        "import dataclasses; BAD = dataclasses.replace("
        "family('other'), variants={'plugged_bad': Variant(config={'width': 4})})",
        "dataclass",
    ),
    "a task of another type": ("BAD = family('other', task='detection')", "`task`"),
    "a body of another type": ("BAD = family('other', body=None)", "`body`"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_is_left_out_and_said_once(site, kind):
    code, word = BROKEN[kind]
    _install(site, "a_plugin", "FAMILY = family()", {"toy": "a_plugin"})
    _install(site, "b_plugin", code, {"bad": "b_plugin:BAD"})
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        names = list_models()
        assert list_models() == names
    said = [str(warning.message) for warning in said if "lugin" in str(warning.message)]
    assert len(said) == 1
    assert "'b-plugin'" in said[0]
    assert word in said[0]
    assert "plugged_bad" not in names
    assert ("plugged_more" in names) == (kind == "model of ours")
    assert card("resnet50").family == "resnet"
    assert card("resnet50").license == "Apache-2.0"
    assert card("plugged_small").source == "a-plugin"
    assert len(names) == len(set(names)) > 250


USE = """
import sys
sys.path.insert(0, {site!r})
{first}
import keras
assert "toy_plugin>LayerToyPlugin" in keras.saving.get_custom_objects()
model = keras.saving.load_model({file!r})
import keras_cnnzoo
print(keras_cnnzoo.origin(model).name, keras_cnnzoo.list_models("plugged*"))
"""


@pytest.mark.parametrize(
    "first",
    ["import keras_cnnzoo", "import keras_cnnzoo.zoo", "import keras, keras_cnnzoo"],
)
def test_layers_of_plugins_are_registered_in_a_fresh_process(site, first):
    code = "from keras_cnnzoo import build, card, register, weights\nFAMILY = family()"
    _install(site, "toy_plugin", code, {"toy": "toy_plugin"})
    file = str(site / "model.keras")
    build("plugged_small").save(file)
    use = USE.format(site=str(site), first=first, file=file)
    done = subprocess.run(
        [sys.executable, "-c", use], check=False, capture_output=True, text=True
    )
    assert done.stdout.split("\n")[0] == "plugged_small ['plugged_small']", done.stderr


PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "toyplugin"
version = "1"
[project.entry-points."keras_cnnzoo.families"]
toy = "toyplugin"
"""


def test_an_installed_plugin_builds_its_models(tmp_path):
    package = tmp_path / "project" / "toyplugin"
    package.mkdir(parents=True)
    code = HEAD.format(layer="ToyConv") + "FAMILY = family()"
    (package / "__init__.py").write_text(code)
    (package.parent / "pyproject.toml").write_text(PROJECT)
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    pip += ["--no-build-isolation", "--target", str(site), str(package.parent)]
    subprocess.run(pip, check=True, capture_output=True)
    use = (
        f"import sys; sys.path.insert(0, {str(site)!r})\nimport keras_cnnzoo\n"
        "print(keras_cnnzoo.list_models(source='toyplugin'))"
    )
    result = subprocess.run(
        [sys.executable, "-c", use], check=True, capture_output=True, text=True
    )
    assert "['plugged_small']" in result.stdout
