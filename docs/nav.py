"""Add the generated pages to the navigation, after the index of their folder."""

from pathlib import Path

SECTIONS = {"Families": "families", "Layers": "layers"}


def on_config(config):
    """Complete `nav`; MkDocs calls this with the configuration from mkdocs.yml."""
    docs = Path(config.docs_dir)
    for entry in config.nav:
        for title, pages in entry.items():
            if title in SECTIONS:
                found = sorted((docs / SECTIONS[title]).glob("*.md"))
                pages += [
                    str(path.relative_to(docs))
                    for path in found
                    if path.stem != "index"
                ]
    return config
