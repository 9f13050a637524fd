"""Take a screenshot of a report by `cnnzoo explain` in Chromium, for the guides.

Example:
    python examples/explain.py --out report.html
    python docs/images/report.py report.html
"""

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

TARGET = Path(__file__).with_name("report.png")


def main() -> None:
    """Open the report at its second convolution, and save a screenshot."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("page", type=Path, help="a page that `explain` wrote")
    page = parser.parse_args().page.resolve()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        view = browser.new_page(
            viewport={"width": 1400, "height": 900}, color_scheme="light"
        )
        view.goto(f"{page.as_uri()}#layer=c3&method=grad_cam")
        view.wait_for_selector("body[data-ready]")
        view.wait_for_selector("#photo-heat", state="visible")
        view.screenshot(path=TARGET)
        browser.close()
    print(TARGET)


if __name__ == "__main__":
    main()
