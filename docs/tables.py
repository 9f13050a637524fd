"""Bits of Markdown: a page, a table, a list, a link."""

from collections.abc import Iterable, Sequence


def page(title: str, *parts: str) -> str:
    """Put parts under a title; empty ones are left out."""
    return "\n\n".join([f"# {title}", *filter(None, parts)]) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Make a table; a header that ends in ":" has its numbers to the right."""
    titles = [title.removesuffix(":") for title in header]
    rules = ["---:" if title.endswith(":") else "---" for title in header]
    # A bar would end the cell.
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in [titles, rules, *cells])


def bullets(lines: Iterable[str]) -> str:
    """Make a list."""
    return "\n".join(f"- {line}" for line in lines)


def codes(names: Iterable[str]) -> str:
    """Write names as code, one after the other."""
    return ", ".join(f"`{name}`" for name in names)


def link(source: str) -> str:
    """Link to where a number is from: an address, and where in it."""
    url, _, place = source.partition(" ")
    host = url.split("/")[2].removeprefix("www.")
    return f"[{host}]({url}){', ' if place else ''}{place}"


def size(shape: Sequence[int | None]) -> str:
    """Write the shape of an image; open sizes are "any"."""
    return "×".join(str(n or "any") for n in shape)


def settings(options: dict) -> str:
    """Write options as they are passed."""
    return ", ".join(f"`{key}={value!r}`" for key, value in options.items())


def numbers(values: Iterable[float]) -> str:
    """Write numbers as briefly as they allow."""
    return ", ".join(f"{value:g}" for value in values)
