"""Figures are returned, and touch nothing of the state that pyplot keeps."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.once


def test_pyplot_is_left_alone():
    # Keras itself imports pyplot where it is installed.
    code = (
        "import sys, keras, numpy as np\n"
        "before = {n for n in sys.modules if n.startswith('matplotlib')}\n"
        "from keras_cnnzoo import inspect\n"
        "assert {n for n in sys.modules if n.startswith('matplotlib')} == before\n"
        "inspect.plot_activations(np.zeros((4, 4, 2))).canvas.draw()\n"
        "inspect.plot_history({'loss': [1.0]})\n"
        "import matplotlib.pyplot\n"
        "assert matplotlib.pyplot.get_fignums() == []\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
