import ctypes
import gc
import os
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# TensorFlow convolves channels first on a CPU by oneDNN alone, which is off by default
# where the processor has no AVX-512.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import numpy as np
import pytest
from keras.src.backend.common import global_state

# Helpers of tests lie beside them: `subjects` for many, others for their folder.
for folder in ("", "inspect", "layers", "models", "training"):
    sys.path.append(str(Path(__file__).parent / folder))
pytest_plugins = ["subject_fixtures", "time_limit"]

SHARED = Path(__file__).parents[2] / "shared" / "data"


#: Memory in GB above which a worker gives back what it compiled; two are at work. What
#: stays is tried again when it has grown by as much as the second number.
ENOUGH, GROWN = 3.0, 0.7
#: Where Linux says how many pages of memory this process has.
PAGES = Path("/proc/self/statm")


@pytest.fixture(autouse=True)
def _no_name_scope_left():
    """Leave the name scope that Keras stays in where TensorFlow refuses a name."""
    yield
    global_state.set_global_attribute("name_scope_stack", [])


@pytest.fixture(autouse=True)
def _fixed_seed():
    keras.utils.set_random_seed(0)


def _memory() -> float:
    """Return the memory of this process in GB, 0 where it is not known."""
    pages = int(PAGES.read_text().split()[1]) if PAGES.exists() else 0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e9


@pytest.fixture(scope="session")
def _left():
    """What the memory was after the last time that some was given back."""
    return [0.0]


@pytest.fixture(autouse=True)
def _bounded_memory(_left):
    yield
    if _memory() > max(ENOUGH, _left[0] + GROWN):
        gc.collect()
        if keras.backend.backend() == "jax":
            import jax

            jax.clear_caches()
        ctypes.CDLL(None).malloc_trim(0)
        _left[0] = _memory()


@pytest.fixture(scope="session")
def shared():
    """The folder of real images and published weights, where there is one."""
    if not SHARED.is_dir():
        pytest.skip(f"the reference material is not on this machine: {SHARED}")
    return SHARED


@pytest.fixture
def channels_first():
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format(before)


@pytest.fixture
def policy():
    """A function that sets the global dtype policy until the end of the test."""
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


LOAD = """
import sys, pathlib, numpy as np, keras, keras_cnnzoo
for file in sorted(pathlib.Path(sys.argv[1]).glob("*.keras")):
    model = keras.saving.load_model(file, safe_mode=True)
    x = np.load(file.with_suffix(".npz"))["x"]
    np.savez(file.with_suffix(".out.npz"), y=model.predict(x, verbose=0))
"""


@pytest.fixture
def revived(tmp_path):
    """A function from `(name, model, images)` rows to `(name, before, after)` rows.

    `before` is what a model answers here, `after` what it does where it is loaded in
    a fresh process, one for all rows.
    """

    def answers(rows):
        before = {}
        for name, model, x in rows:
            np.savez(tmp_path / f"{name}.npz", x=x)
            model.save(tmp_path / f"{name}.keras")
            before[name] = model.predict(x, verbose=0)
        subprocess.run([sys.executable, "-c", LOAD, str(tmp_path)], check=True)
        for name, y in before.items():
            yield name, y, np.load(tmp_path / f"{name}.out.npz")["y"]

    return answers
