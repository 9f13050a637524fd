"""Write Markdown: pages, tables, lists and links."""

from collections.abc import Iterable, Sequence


def page(title: str, *parts: str) -> str:
    """Join the parts of a page under its title; empty parts are left out."""
    return "\n\n".join([f"# {title}", *filter(None, parts)]) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Make a table; a column whose header ends in ":" is aligned to the right."""
    titles = [title.removesuffix(":") for title in header]
    rules = ["---:" if title.endswith(":") else "---" for title in header]
    # An unescaped bar would end the cell.
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in [titles, rules, *cells])


def bullets(lines: Iterable[str]) -> str:
    """Make a list."""
    return "\n".join(f"- {line}" for line in lines)


def codes(names: Iterable[str]) -> str:
    """Write names as code, separated by commas."""
    return ", ".join(f"`{name}`" for name in names)


def link(source: str) -> str:
    """Link to the source of a number: an address and a place in the page."""
    url, _, place = source.partition(" ")
    host = url.split("/")[2].removeprefix("www.")
    return f"[{host}]({url}){', ' if place else ''}{place}"


def size(shape: Sequence[int | None]) -> str:
    """Write the shape of an image; unknown sizes are "any"."""
    return "×".join(str(n or "any") for n in shape)


def settings(options: dict) -> str:
    """Write options as keyword arguments."""
    return ", ".join(f"`{key}={value!r}`" for key, value in options.items())


def numbers(values: Iterable[float]) -> str:
    """Write numbers without trailing zeros."""
    return ", ".join(f"{value:g}" for value in values)
