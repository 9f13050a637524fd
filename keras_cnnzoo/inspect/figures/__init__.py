"""Matplotlib figures, which are returned but never shown by the functions here."""

from keras_cnnzoo.inspect.figures.activations import plot_activations
from keras_cnnzoo.inspect.figures.attribution import plot_attribution
from keras_cnnzoo.inspect.figures.confusion import plot_confusion
from keras_cnnzoo.inspect.figures.dataflow import plot_dataflow
from keras_cnnzoo.inspect.figures.filters import plot_filters
from keras_cnnzoo.inspect.figures.history import plot_history
from keras_cnnzoo.inspect.figures.receptive_field import plot_receptive_field

__all__ = [
    "plot_activations",
    "plot_attribution",
    "plot_confusion",
    "plot_dataflow",
    "plot_filters",
    "plot_history",
    "plot_receptive_field",
]
