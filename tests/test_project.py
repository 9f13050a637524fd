"""What stands around the code: version, distribution, citation, hooks, changelog."""

import re
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
import yaml

import keras_cnnzoo

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """Build what would be uploaded, and list what it holds."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.iterdir()
    with tarfile.open(path) as archive:
        files = {name.partition("/")[2]: name for name in archive.getnames()}
        about = archive.extractfile(files["PKG-INFO"]).read().decode()
    return files, about


def test_the_version_is_stated_in_one_place(sdist):
    _, about = sdist
    assert f"\nVersion: {keras_cnnzoo.__version__}\n" in about
    assert "version" not in PROJECT["project"]
    for name in ("CITATION.cff", "README.md", "docs/index.md", "mkdocs.yml"):
        assert keras_cnnzoo.__version__ not in (ROOT / name).read_text(), name


def test_the_source_distribution_holds_all_that_a_checkout_does(sdist):
    files, _ = sdist
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    # Without git, as in an unpacked distribution, these stand for the rest.
    named = {
        *("benchmarks/pooling.py", "constraints.txt", "CHANGELOG.md", "LICENSE"),
        *("CONTRIBUTING.md", "CITATION.cff", "SECURITY.md", "tests/run.py"),
        *("docs/index.md", "examples/transfer.py", "keras_cnnzoo/py.typed"),
    }
    assert named | {name for name in listed if (ROOT / name).exists()} <= set(files)


def test_the_citation_has_what_its_format_requires():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert cited["cff-version"] == "1.2.0"
    for key in ("message", "title", "abstract"):
        assert isinstance(cited[key], str), key
    assert all(author["name"] for author in cited["authors"])
    assert cited["type"] == "software"
    assert cited["license"] == PROJECT["project"]["license"]
    known = {"keywords", "type", "license", "authors", "abstract", "title", "message"}
    assert set(cited) <= known | {"cff-version"}


def test_hooks_download_nothing_and_run_what_is_installed():
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repo["repo"] for repo in repos] == ["local"]
    for hook in repos[0]["hooks"]:
        assert hook["language"] == "system", hook
        python, option, module, *_ = hook["entry"].split()
        assert (python, option) == ("python", "-m"), hook
        done = subprocess.run(
            [sys.executable, option, module, "--version"], capture_output=True
        )
        assert done.returncode == 0, hook


def test_the_changelog_says_what_is_not_released_yet():
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert headings[0] == "Unreleased"
    for released in headings[1:]:
        assert re.fullmatch(r"\d+\.\d+\.\d+ \(\d{4}-\d\d-\d\d\)", released), released


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")), ids=lambda page: page.name)
def test_links_to_files_of_the_repository_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text()):
        assert (ROOT / target).exists(), target
