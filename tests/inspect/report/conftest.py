import shutil

import keras
import numpy as np
import pytest

from keras_cnnzoo import build
from keras_cnnzoo.inspect import explain

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
#: No sandbox as root, and nothing that a browser does beside showing the page.
ARGUMENTS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic"),
    *("--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    sync = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync.sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=CHROMIUM,
            args=ARGUMENTS,
            viewport={"width": 1400, "height": 900},
        )
        # A busy machine is no reason to fail.
        context.set_default_timeout(60_000)
        yield context
        context.close()


@pytest.fixture
def show(browser):
    """A function that opens a report, and holds the page to be silent to the end."""
    opened, said, asked = [], [], []

    def show(path, view=""):
        page = browser.new_page()
        opened.append(page)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"file://{path}{view}")
        page.wait_for_selector("body[data-ready]")
        return page

    yield show
    for page in opened:
        page.close()
    assert said == []
    local = [url for url in asked if url.startswith(("file:", "data:"))]
    assert asked == local


@pytest.fixture(scope="module")
def lenet(tmp_path_factory):
    """LeNet-5, two images, and the report about them."""
    keras.utils.set_random_seed(0)
    model = build("lenet5")
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (2, 32, 32, 1)).astype("float32")
    path = tmp_path_factory.mktemp("lenet") / "report.html"
    explain(model, images, path, class_names=list("0123456789"))
    return model, images, path
