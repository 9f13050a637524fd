"""Verify single models, against stored reference outputs or another library."""

import fnmatch
from collections.abc import Iterable, Mapping
from pathlib import Path

from keras_cnnzoo import inspect, registry
from keras_cnnzoo.verify.blank import without_drawing
from keras_cnnzoo.verify.comparison import Comparison, compare
from keras_cnnzoo.verify.digest import digest
from keras_cnnzoo.verify.table import Row
from keras_cnnzoo.verify.twins import compare_twin
from keras_cnnzoo.zoo import build


def verifiable(patterns: Iterable[str], answers: Path) -> list[str]:
    """List the models that match a pattern and have a reference to compare with."""
    kept = {path.stem for path in answers.glob("*.npz")}
    return [
        name
        for name in registry.list_models()
        if (name in kept or _has_twin(name))
        and any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    ]


def verify(name: str, answers: Path) -> tuple[Comparison, Row]:
    """Compare a model with its reference, and count its parameters and MACs.

    Args:
        name: A model of `verifiable`.
        answers: The folder with the references' outputs.
    """
    if _has_twin(name):
        found = compare_twin(name)
    else:
        found = compare(name, _file(name, answers))
    with without_drawing():
        model = build(name)
    row = Row(
        name=name,
        reference=found.reference,
        version=found.version,
        sizes=" ".join(map(str, found.sizes)),
        logits=f"{found.logits:.1e}",
        features="" if found.features is None else f"{found.features:.1e}",
        apart=f"{found.told_apart:.3f}",
        params=inspect.count_params(model),
        macs=inspect.count_macs(model),
        digest=fingerprint(name, answers),
    )
    return found, row


def is_stale(name: str, answers: Path, rows: Mapping[str, Row]) -> bool:
    """Tell whether a model or its reference has changed since its row was written."""
    return name not in rows or rows[name].digest != fingerprint(name, answers)


def stale_models(answers: Path, rows: Mapping[str, Row]) -> list[str]:
    """List the models without an up-to-date row, the fastest to verify first."""
    stale = [n for n in verifiable(["*"], answers) if is_stale(n, answers, rows)]

    def cost(name: str) -> tuple[float, str]:
        # A rough estimate of the time to draw the weights and to run small images.
        known = rows.get(name) or registry.family_of(name).variants[name]
        return (known.params or 0) + (known.macs or 0) / 10, name

    return sorted(stale, key=cost)


def fingerprint(name: str, answers: Path) -> str:
    """Return the digest of a model and of its file of reference outputs, if any."""
    return digest(name, None if _has_twin(name) else _file(name, answers))


def _has_twin(name: str) -> bool:
    return registry.family_of(name).twin is not None


def _file(name: str, answers: Path) -> Path:
    return answers / f"{name}.npz"
