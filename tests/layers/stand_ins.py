"""A pytest plugin that puts our layers in the place of those that they stand for."""

import keras
from keras.src import layers

from keras_cnnzoo import layers as ours

#: Keras's name: ours, and the arguments under which it computes the same wherever no
#: number is negative, as in Keras's tests.
STAND_INS = {"Conv2D": ("InstrumentedConv2D", {})}
for rank in (1, 2, 3):
    STAND_INS |= {
        f"AveragePooling{rank}D": (f"LpPooling{rank}D", {"p": 1, "reduction": "mean"}),
        f"MaxPooling{rank}D": (f"LpPooling{rank}D", {"p": float("inf")}),
        f"GlobalAveragePooling{rank}D": (
            f"GlobalLpPooling{rank}D",
            {"p": 1, "reduction": "mean"},
        ),
        f"GlobalMaxPooling{rank}D": (f"GlobalLpPooling{rank}D", {"p": float("inf")}),
    }


def _standing_in(name, kind, fixed):
    if not fixed:
        return kind

    def init(self, *args, **kwargs):
        kind.__init__(self, *args, **(fixed | kwargs))

    stand_in = type(name, (kind,), {"__init__": init})
    return keras.saving.register_keras_serializable("stand_ins")(stand_in)


#: So that the classes live as long as the run.
KEPT = {}


def pytest_configure():
    # Not when this is imported, as the search for doctests does in other runs.
    for name, (own, fixed) in STAND_INS.items():
        KEPT[name] = _standing_in(name, getattr(ours, own), fixed)
        setattr(layers, name, KEPT[name])


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"ours stood in for {', '.join(KEPT)}")
