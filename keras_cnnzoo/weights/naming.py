"""From the names of others to ours."""

import re
from collections.abc import Iterable, Mapping

from keras_cnnzoo.cards import NameMap

#: The last part of a name in a torch state dict, and ours for the same, the first
#: for convolutions and dense layers, the second for normalisation.
_LEAVES = {
    "weight": ("kernel", "gamma"),
    "bias": ("bias", "beta"),
    "running_mean": ("moving_mean",),
    "running_var": ("moving_variance",),
}
#: Counted by PyTorch, of no use to inference.
IGNORED = ("num_batches_tracked",)


def translate(names: Iterable[str], rules: NameMap, known: set[str]) -> dict[str, str]:
    """Return `{their name: our variable}` for each name that leads to one."""
    found = {}
    for name in names:
        layer, _, leaf = name.rpartition(".")
        for pattern, replacement in rules:
            layer = re.sub(pattern, replacement, layer)
        for ours in _LEAVES.get(leaf, ()):
            path = f"{layer.replace('.', '/')}/{ours}"
            if path in known:
                found[name] = path
    return found


def best_translation(
    names: Iterable[str], maps: Mapping[str, NameMap], known: set[str]
) -> dict[str, str]:
    """Try our own names and every map of the family; take what explains the most."""
    names = [name for name in names if not name.endswith(IGNORED)]
    ours = {name: name for name in names if name in known}
    return max(
        [ours, *(translate(names, rules, known) for rules in maps.values())], key=len
    )
