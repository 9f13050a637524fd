"""What an evaluation found: printed, as JSON, in figures and on a page."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_cnnzoo.cli.scores import beside_accuracy, print_classes, score_lines

if TYPE_CHECKING:
    from keras_cnnzoo.data import ImageSet
    from keras_cnnzoo.training import Mistakes, Scores
    from keras_cnnzoo.training.thresholds import OperatingPoint

TRAINED_ON = (
    "The model was trained on these images. It may have learnt wrong labels by heart, "
    "so that fewer are found. The validation and test images have no such problem."
)


@dataclass(frozen=True)
class Evaluated:
    """The scores of a model on images.

    Attributes:
        model: Name of the model.
        data: Name of the data set.
        split: Name of the set of images.
        scores: The scores.
        images: The images.
        class_names: The data's class names, in the order of the model's outputs.
        display_names: Class names to show, in the same order.
        trained_on: Whether the model was trained on these images.
    """

    model: str
    data: str
    split: str
    scores: "Scores"
    images: "ImageSet"
    class_names: Sequence[str]
    display_names: Sequence[str]
    trained_on: bool

    @property
    def title(self) -> str:
        """The model and the data in words."""
        return f"{self.model} on {self.split} of {self.data}"

    def show(self, point: "OperatingPoint | None", *, per_class: bool) -> None:
        """Print the scores.

        Args:
            point: The threshold of two classes whose sensitivity is asked for.
            per_class: Whether to print a table of the classes.
        """
        numbers: dict[str, Any] = self.scores.numbers()
        print(self.title)
        for line in score_lines(numbers, len(self.class_names)):
            print(line)
        if point is not None:
            print(
                f"sensitivity {point.sensitivity:.2%} to {self.display_names[1]} at a "
                f"specificity of {point.specificity:.2%}, from a probability of "
                f"{point.threshold:.4g} on"
            )
        numbers |= {"per_class": self._accuracies()}
        print(beside_accuracy(numbers, self.class_names, self.display_names))
        if per_class:
            print_classes(self.scores, self.display_names)

    def to_dict(self, point: "OperatingPoint | None") -> dict[str, Any]:
        """Return all scores, for a JSON file; `point` as for `show`."""
        found: dict[str, Any] = {
            "model": self.model,
            "data": self.data,
            "split": self.split,
            **self.scores.numbers(),
            "per_class": self._accuracies(),
        }
        if self.display_names != self.class_names:
            names = zip(self.class_names, self.display_names, strict=True)
            found["names"] = {i: n for i, n in names if i in found["per_class"]}
        found["classes"] = self.scores.by_class(self.class_names)
        found["calibration"] = self._calibration()
        if point is not None:
            row = {"class": self.class_names[1], **dataclasses.asdict(point)}
            if math.isinf(point.threshold):  # JSON has no infinity
                row["threshold"] = None
            found["sensitivity"] = row
        return found

    def draw(self, folder: Path) -> None:
        """Draw the confusion matrix, the reliability diagram and the ROC curves."""
        from keras_cnnzoo.training import pictures

        folder.mkdir(parents=True, exist_ok=True)
        given, names, title = self.scores, self.display_names, self.title
        pictures.draw_confusion(given.confusion, names, title, folder / "confusion.png")
        for name, figure in (
            ("reliability", pictures.plot_calibration(given, title=title)),
            ("roc", pictures.plot_roc(given, names, title=title)),
        ):
            pictures.write_figure(figure, folder / f"{name}.png")

    def write_page(self, path: Path, count: int) -> "Mistakes":
        """Write the page of mistakes and likely label errors."""
        from keras_cnnzoo.training import write_mistakes

        return write_mistakes(
            *(self.scores, self.images, path),
            class_names=self.display_names,
            title=self.title,
            count=count,
            notes=[TRAINED_ON] if self.trained_on else [],
        )

    def _accuracies(self) -> dict[str, float]:
        """Return the accuracies of the classes that have images."""
        found = self.scores.per_class(self.class_names)
        return {name: right for name, right in found.items() if right is not None}

    def _calibration(self) -> list[dict[str, float]] | None:
        """Return the bins of the calibration that have images."""
        found = self.scores.calibration
        if found is None:
            return None
        bins = len(found.count)
        return [
            {
                "from": i / bins,
                "to": (i + 1) / bins,
                "count": int(found.count[i]),
                "confidence": float(found.confidence[i]),
                "accuracy": float(found.accuracy[i]),
            }
            for i in range(bins)
            if found.count[i]
        ]
