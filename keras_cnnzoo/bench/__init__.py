"""Measure speed: of networks, beside other libraries, and of reading images."""

from keras_cnnzoo.bench.networks import OURS, PRECISIONS, measure_speed
from keras_cnnzoo.bench.others import LIBRARIES
from keras_cnnzoo.bench.speed import Speed, SpeedRow

__all__ = ["LIBRARIES", "OURS", "PRECISIONS", "Speed", "SpeedRow", "measure_speed"]
