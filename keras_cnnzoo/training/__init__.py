"""Train models by name, fine-tune pretrained ones, and save the results.

from keras_cnnzoo.training import train
run = train("lenet5")
print(run.results["accuracy"], run.folder)
"""

from keras_cnnzoo.files import replacing, save_model, write_text
from keras_cnnzoo.internals.mending import mended
from keras_cnnzoo.training.averaging import AverageWeights
from keras_cnnzoo.training.callbacks import HistoryFile, KeepBest
from keras_cnnzoo.training.class_weights import balanced_class_weights
from keras_cnnzoo.training.comparison import ComparedRun, Comparison, compare_runs
from keras_cnnzoo.training.confident_learning import label_issues
from keras_cnnzoo.training.erasing import Erasing
from keras_cnnzoo.training.evaluation import Scores, evaluate
from keras_cnnzoo.training.fine_tuning import fine_tune
from keras_cnnzoo.training.fitting import TrainingStopped
from keras_cnnzoo.training.folder import Run
from keras_cnnzoo.training.freezing import freeze, unfreeze
from keras_cnnzoo.training.keeping import KeepCheckpoints, StopInOrder
from keras_cnnzoo.training.learning_rate import LearningRates, find_learning_rate
from keras_cnnzoo.training.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    FocalLoss,
)
from keras_cnnzoo.training.metrics import Accuracy, BalancedAccuracy
from keras_cnnzoo.training.mistakes import Mistake, Mistakes, find_mistakes
from keras_cnnzoo.training.mistakes_page import write_mistakes
from keras_cnnzoo.training.mixing import Mixing
from keras_cnnzoo.training.muon import Muon
from keras_cnnzoo.training.optimizers import layer_rates, with_rates
from keras_cnnzoo.training.pictures import plot_calibration, plot_roc, plot_runs
from keras_cnnzoo.training.probing import linear_probe
from keras_cnnzoo.training.processes import Hosts, ProcessLost
from keras_cnnzoo.training.progress import ProgressBar
from keras_cnnzoo.training.recalibration import recalibrate
from keras_cnnzoo.training.recipe import Recipe
from keras_cnnzoo.training.recipes import (
    find_recipe,
    list_recipes,
    load_recipe,
    register_recipe,
)
from keras_cnnzoo.training.regularisation import (
    AverageSettings,
    EraseSettings,
    LossSettings,
    MixSettings,
)
from keras_cnnzoo.training.run import train
from keras_cnnzoo.training.settings import (
    ImageSettings,
    OptimizerSettings,
    RecipeClaim,
    ScheduleSettings,
    StopSettings,
)
from keras_cnnzoo.training.transfer import TRANSFERS, transfer_by
from keras_cnnzoo.training.tuning import tune
from keras_cnnzoo.training.tuning_result import Trial, Tuning
from keras_cnnzoo.training.watch import Watch

__all__ = [
    "TRANSFERS",
    "Accuracy",
    "AverageSettings",
    "AverageWeights",
    "BalancedAccuracy",
    "BinaryCrossEntropy",
    "ComparedRun",
    "Comparison",
    "CrossEntropy",
    "EraseSettings",
    "Erasing",
    "FocalLoss",
    "HistoryFile",
    "Hosts",
    "ImageSettings",
    "KeepBest",
    "KeepCheckpoints",
    "LearningRates",
    "LossSettings",
    "Mistake",
    "Mistakes",
    "MixSettings",
    "Mixing",
    "Muon",
    "OptimizerSettings",
    "ProcessLost",
    "ProgressBar",
    "Recipe",
    "RecipeClaim",
    "Run",
    "ScheduleSettings",
    "Scores",
    "StopInOrder",
    "StopSettings",
    "TrainingStopped",
    "Trial",
    "Tuning",
    "Watch",
    "balanced_class_weights",
    "compare_runs",
    "evaluate",
    "find_learning_rate",
    "find_mistakes",
    "find_recipe",
    "fine_tune",
    "freeze",
    "label_issues",
    "layer_rates",
    "linear_probe",
    "list_recipes",
    "load_recipe",
    "mended",
    "plot_calibration",
    "plot_roc",
    "plot_runs",
    "recalibrate",
    "register_recipe",
    "replacing",
    "save_model",
    "train",
    "transfer_by",
    "tune",
    "unfreeze",
    "with_rates",
    "write_mistakes",
    "write_text",
]
