"""One-line messages on what to install if Keras or its backend is missing."""

import importlib.util
import json
import os
from pathlib import Path

#: For each backend, the module that must be importable, and what to install for it.
BACKENDS = {
    "tensorflow": ("tensorflow", "tensorflow"),
    "jax": ("jax", "keras-cnnzoo[jax]"),
    "torch": ("torch", "keras-cnnzoo[torch]"),
}


def require_backend() -> None:
    """Check that Keras and its backend are installed, without importing anything.

    Raises:
        ImportError: Keras or that backend is not installed.
    """
    if not _there("keras"):
        raise ImportError("Keras is not installed: pip install keras-cnnzoo")
    chosen = backend()
    if chosen not in BACKENDS or _there(BACKENDS[chosen][0]):
        return  # Keras reports unknown backends itself
    others = [name for name, (module, _) in BACKENDS.items() if _there(module)]
    instead = f", or set KERAS_BACKEND={others[0]}" if others else ""
    raise ImportError(
        f"Keras is set to the backend {chosen!r}, which is not installed: "
        f"pip install '{BACKENDS[chosen][1]}'{instead}. Without KERAS_BACKEND it is "
        f"what {_config_file()} says, or TensorFlow."
    )


def keras_config() -> dict[str, object]:
    """Return the settings in Keras's configuration file, or an empty dictionary."""
    try:
        config = json.loads(_config_file().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


def backend() -> str:
    """Return the backend that Keras will use, found as Keras finds it."""
    asked = os.environ.get("KERAS_BACKEND")
    return asked or str(keras_config().get("backend", "tensorflow"))


def _config_file() -> Path:
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    return Path(home, "keras.json")


def _there(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
