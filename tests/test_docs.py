"""The documentation says what is there, and its code runs."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from inspect import signature
from pathlib import Path

import griffe
import pytest
from mkdocs.commands import build
from mkdocs.config import load_config

import keras_cnnzoo
from keras_cnnzoo import inspect, registry

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
#: Code that runs is marked `python`; what needs a network or a file of the reader's
#: own is marked `py`.
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
pytestmark = pytest.mark.once


#: Runs a page; what a line `print(...)  # TEXT` prints has to be TEXT.
RUNNER = """
import builtins, re, sys
code = open(sys.argv[1], encoding="utf-8").read()
lines, plain = code.splitlines(), print
def checked(*args, **kwargs):
    frame = sys._getframe(1)
    if frame.f_code.co_filename == "page":
        stated = re.fullmatch(r"print\\(.*\\)  # (.*)", lines[frame.f_lineno - 1])
        said = " ".join(map(str, args))
        if stated and said != stated[1]:
            raise AssertionError(f"The page states {stated[1]!r}, and prints {said!r}.")
    plain(*args, **kwargs)
builtins.print = checked
exec(compile(code, "page", "exec"), {"__name__": "__main__"})
"""


@pytest.mark.parametrize(
    "page", [p for p in PAGES if BLOCK.search(p.read_text())], ids=lambda p: p.name
)
def test_code_of_a_page_runs_and_prints_what_it_states(page, tmp_path):
    code = "\n".join(BLOCK.findall(page.read_text()))
    (tmp_path / "page.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, "page.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr


def test_code_of_pages_and_examples_is_typed(tmp_path):
    pages = re.compile(r"^```(?:python|py)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
    for page in PAGES:
        if blocks := pages.findall(page.read_text()):
            name = page.stem.replace("-", "_").lower()
            (tmp_path / f"page_{name}.py").write_text("\n".join(blocks))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--check-untyped-defs"),
            *("--follow-imports=silent", str(tmp_path), "examples"),
        ],
        cwd=ROOT,
        env=os.environ | {"MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout


def test_benchmarks_call_what_there_is():
    """They are run by hand, so nothing else sees that a function has changed."""
    files = sorted(str(path) for path in (ROOT / "benchmarks").glob("*.py"))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--check-untyped-defs"),
            *("--follow-imports=silent", *files),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert "source files" in done.stdout
    wrong = ("[call-arg]", "[attr-defined]", "[name-defined]", "[import-not-found]")
    assert [line for line in done.stdout.splitlines() if line.endswith(wrong)] == []


@pytest.fixture(scope="module")
def generated():
    with pytest.MonkeyPatch.context() as patch:
        # As for the script, whose folder Python puts first.
        patch.syspath_prepend(ROOT / "docs")
        import generate

        return generate.pages()


def test_every_layer_has_a_page(generated):
    public = [n for n in keras_cnnzoo.layers.__all__ if n in keras_cnnzoo.list_layers()]
    assert public
    for name in public:
        assert f"keras_cnnzoo.layers.{name}\n" in generated[f"layers/{name}.md"]
        assert f"[{name}]({name}.md)" in generated["layers/index.md"]


@pytest.mark.parametrize("source", ["keras_cnnzoo", "keras.applications"])
def test_every_model_is_in_the_table_and_on_its_family_page(generated, source):
    names = keras_cnnzoo.list_models(source=source)
    assert names
    for name in names:
        row = f"\n| `{name}` | "
        assert row in generated["models.md"]
        family = keras_cnnzoo.card(name).family
        assert row in generated[f"families/{family}.md"]


def test_the_reference_lists_what_is_there():
    page = (ROOT / "docs" / "reference.md").read_text()
    listed = re.findall(r"^::: keras_cnnzoo\.(\S+)$", page, re.MULTILINE)
    assert len(set(listed)) == len(listed) > 90
    package = griffe.load("keras_cnnzoo", search_paths=[ROOT])
    for name in listed:
        assert package[name].name == name.rpartition(".")[2], name
    for name in inspect.__all__:
        assert name.isupper() or f"inspect.{name}" in listed, name


def test_numbers_of_the_guide_to_inspection_are_the_defaults():
    page = (ROOT / "docs" / "inspect.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| .* \| (\d+|one per \w+) \|$", page, re.M)
    shared = {"model", "images", "target", "layer", "batch_size", "normalize"}
    assert len(rows) == 9  # "Nine methods have one signature"
    for name, passes in rows:
        arguments = signature(getattr(inspect, name)).parameters
        assert shared <= set(arguments), name
        counts = [arguments[a].default for a in ("samples", "steps") if a in arguments]
        assert [int(passes)] == (counts or [1]) if passes.isdigit() else not counts
    assert "`max_megabytes`, 15 by default" in page
    assert signature(inspect.explain).parameters["max_megabytes"].default == 15


def test_claims_come_with_their_link(generated):
    page = generated["families/cifar_resnet.md"]
    claim = "| 8.75 | [arxiv.org](https://arxiv.org/abs/1512.03385), table 6 |"
    assert f"| `cifar_resnet20` |  | CIFAR-10 test error, % {claim}" in page


def test_every_tag_of_a_card_is_on_its_page(generated):
    tagged = keras_cnnzoo.list_models(weights=True)
    assert len(tagged) > 200
    for name in tagged:
        about = keras_cnnzoo.card(name)
        page = generated[f"families/{about.family}.md"]
        for weights in about.weights:
            assert f"\n| `{name}` | `{weights.tag}` | " in page


class _Tables(HTMLParser):
    """Read the tables of a page, by the heading above them, and its lists."""

    def __init__(self):
        super().__init__()
        self.tables, self.heading, self.cell = {}, "", None

    def handle_starttag(self, tag, attrs):
        if tag in ("h2", "td", "th", "li"):
            self.cell = ""
        if tag == "tr":
            self.tables.setdefault(self.heading, []).append([])

    def handle_endtag(self, tag):
        if tag == "h2":
            self.heading = self.cell.removesuffix("\N{PILCROW SIGN}")
        elif tag in ("td", "th"):
            self.tables[self.heading][-1].append(self.cell.strip())
        elif tag == "li":
            self.tables.setdefault(self.heading, []).append([self.cell])

    def handle_data(self, data):
        if self.cell is not None:
            self.cell += data


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """Let MkDocs make the pages of some families, and read their tables."""
    folder, site = tmp_path_factory.mktemp("docs"), tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")
        from family_page import family_page
    families = ("resnet", "squeezenet", "mobilenet_v2", "cspnet", "dqn")
    for family in registry.families():
        if family.name in families:
            (folder / f"{family.name}.md").write_text(family_page(family))
    config = load_config(
        str(ROOT / "mkdocs.yml"),
        docs_dir=str(folder),
        site_dir=str(site),
        nav=[f"{name}.md" for name in families],
        hooks=[],
        plugins=[],
        extra_css=[],
    )
    build.build(config)
    pages = {}
    for name in families:
        reader = _Tables()
        reader.feed((site / name / "index.html").read_text())
        pages[name] = reader.tables
    return pages


def test_a_rendered_page_has_the_tags_and_what_they_bring(rendered):
    _, *rows = rendered["squeezenet"]["Weights"]
    tags = {tuple(row[:2]): row[-2] for row in rows}
    assert tags["squeezenet1_1", "torchvision/IMAGENET1K_V1"] == "1"
    assert tags["squeezenet1_1", "deepscale/squeezenet_v1.1"] == "2"
    _, one, two = rendered["squeezenet"]["Preprocessing"]
    assert one[:3] == ["1", "RGB", "123.675, 116.28, 103.53"]
    assert two[:3] == ["2", "BGR", "104, 117, 123"]
    _, *rows = rendered["mobilenet_v2"]["Weights"]
    options = {tuple(row[:2]): row[-1] for row in rows}
    google = "google/mobilenet_v2_1.0_224"
    assert options["mobilenet_v2", google] == "classes=1001, padding='same'"


def test_no_figure_of_a_rendered_page_stands_twice(rendered):
    for tables in rendered.values():
        _, *rows = tables.get("Published by others", [()])
        figures = [(model, tag, float(value)) for model, tag, _, value, _ in rows]
        assert len(set(figures)) == len(figures)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")
        from published import labelled
    for name in keras_cnnzoo.list_models():
        # A paper and a publisher may state one figure; the tag tells them apart.
        told = [(tag, claim.value) for tag, claim in labelled(keras_cnnzoo.card(name))]
        assert len(set(told)) == len(told), name
    _, *rows = rendered["resnet"]["Published by others"]
    found = {float(row[3]): row[1] for row in rows if row[0] == "resnet50"}
    assert found == {
        76.13: "torchvision/IMAGENET1K_V1",
        80.858: "torchvision/IMAGENET1K_V2",
    }


def test_what_differs_is_said_of_the_models_it_is_true_of(rendered):
    lines = rendered["resnet"]["Where it differs from the paper"]
    strides = [line for (line,) in lines if "Bottlenecks have" in line]
    assert strides == [
        "resnet50, resnet101, resnet152: Bottlenecks have their stride in the 3x3 "
        "convolution; in the paper it is in the first 1x1."
    ]


def test_a_page_without_weights_says_so(rendered):
    assert "Weights" not in rendered["dqn"]


def test_feature_maps_are_those_of_the_model_that_the_page_names(rendered):
    _, *rows = rendered["resnet"]["Features"]
    stages = keras_cnnzoo.card("resnet18").stages
    assert rows == [[s.name, str(s.stride), f"{s.channels:,}"] for s in stages]


def test_deviations_of_a_card_hold_for_the_model():
    for name in keras_cnnzoo.list_models():
        about = keras_cnnzoo.card(name)
        for text in about.deviations:
            if "ottlenecks" in text:
                assert about.config.get("body", "bottleneck") == "bottleneck", name
