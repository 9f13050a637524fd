"""Train models by name, fine-tune pretrained ones, and save the results.

from keras_cnnzoo.training import train
run = train("lenet5")
print(run.results["accuracy"], run.folder)
"""

from keras_cnnzoo.files import replacing, save_model, write_text
from keras_cnnzoo.internals.mending import mended
from keras_cnnzoo.training.callbacks import HistoryFile, KeepBest, StopInOrder
from keras_cnnzoo.training.comparison import ComparedRun, Comparison, compare_runs
from keras_cnnzoo.training.confident_learning import label_issues
from keras_cnnzoo.training.evaluation import Scores, evaluate
from keras_cnnzoo.training.fitting import TrainingStopped
from keras_cnnzoo.training.folder import Run
from keras_cnnzoo.training.learning_rate import LearningRates, find_learning_rate
from keras_cnnzoo.training.metrics import BalancedAccuracy
from keras_cnnzoo.training.mistakes import Mistake, Mistakes, find_mistakes
from keras_cnnzoo.training.mistakes_page import write_mistakes
from keras_cnnzoo.training.pictures import plot_calibration, plot_roc, plot_runs
from keras_cnnzoo.training.progress import ProgressBar
from keras_cnnzoo.training.recipe import Recipe
from keras_cnnzoo.training.recipes import (
    find_recipe,
    list_recipes,
    load_recipe,
    register_recipe,
)
from keras_cnnzoo.training.run import train
from keras_cnnzoo.training.settings import (
    ImageSettings,
    OptimizerSettings,
    RecipeClaim,
    ScheduleSettings,
    StopSettings,
)
from keras_cnnzoo.training.transfer import freeze, unfreeze
from keras_cnnzoo.training.watch import Watch

__all__ = [
    "BalancedAccuracy",
    "ComparedRun",
    "Comparison",
    "HistoryFile",
    "ImageSettings",
    "KeepBest",
    "LearningRates",
    "Mistake",
    "Mistakes",
    "OptimizerSettings",
    "ProgressBar",
    "Recipe",
    "RecipeClaim",
    "Run",
    "ScheduleSettings",
    "Scores",
    "StopInOrder",
    "StopSettings",
    "TrainingStopped",
    "Watch",
    "compare_runs",
    "evaluate",
    "find_learning_rate",
    "find_mistakes",
    "find_recipe",
    "freeze",
    "label_issues",
    "list_recipes",
    "load_recipe",
    "mended",
    "plot_calibration",
    "plot_roc",
    "plot_runs",
    "register_recipe",
    "replacing",
    "save_model",
    "train",
    "unfreeze",
    "write_mistakes",
    "write_text",
]
