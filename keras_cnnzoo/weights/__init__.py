"""Find, download, read, load and export weights."""

from keras_cnnzoo.weights.export import save_safetensors, to_torch
from keras_cnnzoo.weights.files import read
from keras_cnnzoo.weights.files import tidy as from_torch
from keras_cnnzoo.weights.filling import UnknownPreprocessingError
from keras_cnnzoo.weights.hub import push_to_hub
from keras_cnnzoo.weights.loading import load
from keras_cnnzoo.weights.offline import DownloadError
from keras_cnnzoo.weights.report import LoadReport

__all__ = [
    "DownloadError",
    "LoadReport",
    "UnknownPreprocessingError",
    "from_torch",
    "load",
    "push_to_hub",
    "read",
    "save_safetensors",
    "to_torch",
]
