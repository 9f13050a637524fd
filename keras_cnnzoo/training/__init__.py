"""Train models by name, fine-tune pretrained ones, and save the results.

from keras_cnnzoo.training import train
run = train("lenet5")
print(run.results["accuracy"], run.folder)
"""

from keras_cnnzoo.files import replacing, save_model, write_text
from keras_cnnzoo.internals.mending import mended
from keras_cnnzoo.training.callbacks import HistoryFile, KeepBest, StopInOrder
from keras_cnnzoo.training.evaluation import Scores, evaluate
from keras_cnnzoo.training.fine_tuning import fine_tune
from keras_cnnzoo.training.fitting import TrainingStopped
from keras_cnnzoo.training.folder import Run
from keras_cnnzoo.training.freezing import freeze, unfreeze
from keras_cnnzoo.training.metrics import BalancedAccuracy
from keras_cnnzoo.training.optimizers import layer_rates, with_rates
from keras_cnnzoo.training.probing import linear_probe
from keras_cnnzoo.training.progress import ProgressBar
from keras_cnnzoo.training.recipes import RECIPES, Recipe, find_recipe
from keras_cnnzoo.training.run import train
from keras_cnnzoo.training.transfer import TRANSFERS, transfer_by
from keras_cnnzoo.training.watch import Watch

__all__ = [
    "RECIPES",
    "TRANSFERS",
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
    "fine_tune",
    "freeze",
    "layer_rates",
    "linear_probe",
    "mended",
    "replacing",
    "save_model",
    "train",
    "transfer_by",
    "unfreeze",
    "with_rates",
    "write_text",
]
