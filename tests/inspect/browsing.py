"""What a person does to the report in a browser, and reads there."""


def numbers(page):
    """Return the numbers of the equation by name, with all their digits."""
    return {
        name: float(page.get_attribute(f"#{name} .n", "data-value"))
        for name in ("products", "bias", "sum", "output")
        if page.query_selector(f"#{name}")
    }


def text(page, selector):
    return page.text_content(selector).strip()


def wait_for_layer(page, name):
    page.wait_for_selector(
        f'[data-path$="{name}"][aria-selected=true]', state="attached"
    )
    assert text(page, "#layer-name") == name


def go_to(page, path, channel=None, pixel=None):
    """Go to a layer, a channel and a pixel by clicking."""
    row = f'[role=treeitem][data-path="{path}"]'
    page.click(row)
    page.wait_for_selector(f"{row}[aria-selected=true]")
    if channel is not None:
        page.click(f'.tile[data-channel="{channel}"]')
    if pixel is not None:
        height, width = page.eval_on_selector(
            "#map-pixels", "map => [map.height, map.width]"
        )
        box = page.locator("#map").bounding_box()
        spot = {
            "x": (pixel[1] + 0.5) * box["width"] / width,
            "y": (pixel[0] + 0.5) * box["height"] / height,
        }
        page.click("#map", position=spot)
