"""A small HTML table for notebooks."""

from collections.abc import Iterable, Sequence
from html import escape


def html_table(
    title: str,
    rows: Iterable[Sequence[str]],
    *,
    columns: Sequence[str] = (),
    notes: Iterable[str] = (),
) -> str:
    """Return a table as self-contained HTML. All text is escaped.

    Args:
        title: Title above the table.
        rows: The cells of each row. The first one names the row.
        columns: Column headings; empty for a table without them.
        notes: Lines below the table.

    Example:
        >>> html_table("sizes", [("a < b", "3")]).partition("<table>")[2]
        '<tr><th style="text-align:left">a &lt; b</th><td>3</td></tr></table>'
    """
    body = "".join(_row(cells) for cells in rows)
    if columns:
        cells = "".join(f"<th>{escape(name)}</th>" for name in columns)
        body = f"<thead><tr>{cells}</tr></thead><tbody>{body}</tbody>"
    below = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return f"<p><b>{escape(title)}</b></p><table>{body}</table>{below}"


def _row(cells: Sequence[str]) -> str:
    first, *others = map(escape, cells)
    data = "".join(f"<td>{cell}</td>" for cell in others)
    return f'<tr><th style="text-align:left">{first}</th>{data}</tr>'
