"""Train models by name, fine-tune pretrained ones, and save the results.

from keras_cnnzoo.training import train
run = train("lenet5")
print(run.results["accuracy"], run.folder)
"""

from keras_cnnzoo.files import replacing, save_model, write_text
from keras_cnnzoo.internals.mending import mended
from keras_cnnzoo.training.callbacks import HistoryFile, KeepBest, StopInOrder
from keras_cnnzoo.training.evaluation import Scores, evaluate
from keras_cnnzoo.training.fitting import TrainingStopped
from keras_cnnzoo.training.folder import Run
from keras_cnnzoo.training.metrics import BalancedAccuracy
from keras_cnnzoo.training.pictures import plot_calibration, plot_roc
from keras_cnnzoo.training.progress import ProgressBar
from keras_cnnzoo.training.recipes import RECIPES, Recipe, find_recipe
from keras_cnnzoo.training.run import train
from keras_cnnzoo.training.transfer import freeze, unfreeze
from keras_cnnzoo.training.watch import Watch

__all__ = [
    "RECIPES",
    "BalancedAccuracy",
    "HistoryFile",
    "KeepBest",
    "ProgressBar",
    "Recipe",
    "Run",
    "Scores",
    "StopInOrder",
    "TrainingStopped",
    "Watch",
    "evaluate",
    "find_recipe",
    "freeze",
    "mended",
    "plot_calibration",
    "plot_roc",
    "replacing",
    "save_model",
    "train",
    "unfreeze",
    "write_text",
]
