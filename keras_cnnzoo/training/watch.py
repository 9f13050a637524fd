"""Report problems that make a training useless, while it runs."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_cnnzoo.data import ImageSet
from keras_cnnzoo.internals.optimizers import unwrapped

#: From this fraction of images in one class on, accuracy alone is misleading.
MAJORITY = 0.75
#: Epochs until a problem is reported: the same class for every image, or a loss that
#: stays above BELOW times the loss of guessing.
PATIENCE, BELOW = 3, 0.99
#: A loss is falling if it is below this fraction of the first of the last PATIENCE.
FALLING = 0.98
#: A loss has exploded above EXPLODED times the loss of guessing, or above RISING times
#: it if the loss rose in the last epoch.
EXPLODED, RISING = 20, 2
#: Images on which a suspected constant prediction is checked.
SAMPLE = 32
#: Probabilities that differ by less than this are the same.
SAME = 1e-4


class Watch(keras.callbacks.Callback):
    """Report imbalanced classes, and a training that learns nothing.

    Each of these is reported once: most images are of one class; the loss stays at the
    loss of guessing; the loss explodes; every image gets the same prediction; with
    float16, every step of an epoch is skipped. A normal training reports nothing.

    Args:
        say: Called with each sentence.
        train: The training images.
        validation: The validation images.
        class_names: Names of the classes.
    """

    def __init__(
        self,
        say: Callable[[str], Any],
        train: ImageSet,
        validation: ImageSet,
        class_names: Sequence[str],
    ) -> None:
        super().__init__()
        self.notes: list[str] = []
        self._say = say
        self._names = class_names
        self._counts = np.bincount(train.labels(), minlength=len(class_names))
        shares = self._counts[self._counts > 0] / self._counts.sum()
        #: The loss of predicting the class frequencies for every image.
        self._guessing = float(-(shares * np.log(shares)).sum())
        self._usual = math.log(len(class_names))
        self._validation = validation
        self._classes_there = len(np.unique(validation.labels()))
        self._losses: list[float] = []
        self._alike = 0

    def note(self, text: str) -> None:
        """Report a sentence, and store it in `notes`."""
        self.notes.append(text)
        self._say(f"note: {text}")

    def _once(self, kind: str, text: str) -> None:
        if kind not in self._said:
            self._said.append(kind)
            self.note(text)

    def on_train_begin(self, logs: Any = None) -> None:
        self._said: list[str] = []
        share = self._counts.max() / self._counts.sum()
        if share >= MAJORITY:
            most = self._names[int(self._counts.argmax())]
            self.note(
                f"{share:.1%} of the training images are {most!r}, so a model that "
                "always predicts it has this accuracy. Look at the balanced accuracy."
            )

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._steps_before = steps_taken(self.model)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        loss, number = logs["loss"], epoch + 1
        self._losses.append(loss)
        taken = steps_taken(self.model)
        if scales_loss(self.model) and taken == self._steps_before:
            self._once("skipped", f"in epoch {number} {ALL_SKIPPED}")
        if math.isfinite(loss):
            self._look_at_loss(number)
        self._look_at_answers(number, logs.get("val_balanced_accuracy"))

    def _look_at_loss(self, number: int) -> None:
        loss, guessing, usual = self._losses[-1], self._guessing, self._usual
        rises = len(self._losses) > 1 and loss > self._losses[-2]
        if loss > EXPLODED * usual or (rises and loss > RISING * usual):
            rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
            self._once(
                "exploded",
                f"the loss of epoch {number} is {loss:,.4g}, and that of guessing "
                f"is {usual:.3g}: the training diverges. Lower the learning rate, now "
                f"{rate:.3g}.",
            )
            return
        last = self._losses[-PATIENCE:]
        if (
            len(last) == PATIENCE
            and min(last) > BELOW * guessing
            and last[-1] > 0.995 * last[0]
        ):
            self._once(
                "guessing",
                f"the loss has stayed at {loss:.3f} for {PATIENCE} epochs, and that of "
                f"guessing is {guessing:.3f}: the model learns nothing. Try another "
                "learning rate, a network with normalisation, or trained weights to "
                "start from.",
            )

    def _look_at_answers(self, number: int, balanced: float | None) -> None:
        # Predicting one class gives accuracy 1 in that class and 0 in all others.
        always_one = balanced is not None and math.isclose(
            balanced, 1 / self._classes_there, abs_tol=1e-6
        )
        self._alike = self._alike + 1 if always_one else 0
        if self._alike < 2 or self._classes_there < 2 or "same" in self._said:
            return
        answers = self._sample_answers()
        if not np.isfinite(answers).all() or len(set(answers.argmax(axis=1))) > 1:
            return
        same = np.ptp(answers, axis=0).max() < SAME
        last = self._losses[-PATIENCE:]
        if not same and (self._alike < PATIENCE or last[-1] < FALLING * last[0]):
            return  # many successful trainings begin like this
        name = self._names[int(answers[0].argmax())]
        share = (self._validation.labels() == answers[0].argmax()).mean()
        what = (
            "the predictions are the same for every image: the output no longer "
            "depends on the input"
            if same
            else f"every validation image is predicted as {name!r}"
        )
        self._once(
            "same",
            f"in epoch {number} {what}. The accuracy of {share:.1%} is the share of "
            f"{name!r} in the data. Try a lower learning rate, or trained weights to "
            "start from.",
        )

    def _sample_answers(self) -> np.ndarray:
        count = self._validation.num_examples
        some = np.unique(np.linspace(0, count - 1, min(SAMPLE, count)).astype(int))
        images, _ = ImageSet(
            self._validation.examples.take(some), batch_size=len(some)
        )[0]
        answers = self.model(images, training=False)
        return np.asarray(keras.ops.convert_to_numpy(answers), "float64")


ALL_SKIPPED = (
    "every step was skipped, because the gradients overflow in float16: the model "
    "learnt nothing. Use the policy mixed_bfloat16 or float32."
)


def scales_loss(model: keras.Model) -> bool:
    """Tell whether a model trains in float16, where steps that overflow are skipped."""
    return isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)


def steps_taken(model: keras.Model) -> int:
    """Return how many steps changed the weights, without the skipped ones."""
    iterations = unwrapped(model.optimizer).iterations
    return int(keras.ops.convert_to_numpy(iterations))
