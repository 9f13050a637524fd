"""Report on the loading of weights."""

from dataclasses import dataclass

from keras_cnnzoo.html_table import html_table


@dataclass(frozen=True)
class LoadReport:
    """Which variables were loaded, were missing, or did not fit.

    Attributes:
        source: Where the arrays came from.
        loaded: Our variables that were set.
        adapted: Loaded variables that were adapted to the number of input channels.
        missing: Our variables that the source does not hold; they keep their values.
        mismatched: Our variables whose array in the source has another shape; they
            keep their values.
        unused: Names of arrays in the source that belong to no variable.
        not_finite: Loaded variables with NaN or infinite values.
    """

    source: str
    loaded: tuple[str, ...]
    adapted: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    mismatched: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    not_finite: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every variable was set, to finite values, and every array used."""
        return self.fits and not self.not_finite

    @property
    def fits(self) -> bool:
        """Whether every variable was set and every array used."""
        return not (self.missing or self.mismatched or self.unused)

    def _repr_html_(self) -> str:
        """Show the report in a notebook: how many variables, and which do not fit."""
        rows = [
            (label, f"{len(names)}", "" if name == "loaded" else _shortened(names))
            for name, label in _KINDS.items()
            if (names := getattr(self, name)) or name == "loaded"
        ]
        return html_table(f"Weights from {self.source}", rows)

    def __str__(self) -> str:
        parts = [f"{len(self.loaded)} variables loaded from {self.source}"]
        if self.adapted:
            parts.append(f"{', '.join(self.adapted)} adapted to the input's channels")
        parts += [
            f"{len(names)} {kind}: {_shortened(names)}"
            for kind in ("missing", "mismatched", "unused")
            if (names := getattr(self, kind))
        ]
        if self.not_finite:
            names = _shortened(self.not_finite)
            parts.append(f"NaN or infinite values in {len(self.not_finite)}: {names}")
        return "; ".join(parts)


#: The fields that hold names, and their labels in a table.
_KINDS = {
    "loaded": "loaded",
    "adapted": "adapted to the input's channels",
    "missing": "missing",
    "mismatched": "mismatched",
    "unused": "unused",
    "not_finite": "NaN or infinite values",
}


def _shortened(names: tuple[str, ...], most: int = 6) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
