"""The documentation says what is there, and its code runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import keras_cnnzoo

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
#: Code that runs is marked `python`; what needs a network or a file of the reader's
#: own is marked `py`.
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    "page", [p for p in PAGES if BLOCK.search(p.read_text())], ids=lambda p: p.name
)
def test_code_of_a_page_runs_from_top_to_bottom(page, tmp_path):
    code = "\n".join(BLOCK.findall(page.read_text()))
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, f"{code}\n{done.stderr}"


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


def test_claims_come_with_their_link(generated):
    page = generated["families/cifar_resnet.md"]
    claim = "| 8.75 | [arxiv.org](https://arxiv.org/abs/1512.03385), table 6 |"
    assert f"| `cifar_resnet20` | CIFAR-10 test error, % {claim}" in page
