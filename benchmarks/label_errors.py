"""Find labels that were made wrong on purpose, and count how many were found.

    python benchmarks/label_errors.py photos/ theirs.npz
        --source deepscale/squeezenet_v1.1

Gives 5 % of the images of a folder the label of another class. A linear classifier on
the features of a trained network predicts each image, trained on the other folds with
their wrong labels. Prints precision and recall of `keras_cnnzoo.training.label_issues`
and, where cleanlab is installed, those of `cleanlab.filter.find_label_issues`.
"""

import argparse
import time

import keras
import numpy as np

from keras_cnnzoo import build, data
from keras_cnnzoo.training import label_issues


def features_of(
    images: data.ImageSet, model: str, weights: str | tuple[str, str]
) -> np.ndarray:
    """Return the averages of a network's last feature maps, `(images, channels)`."""
    network = build(
        model,
        input_shape=images.image_shape,
        weights=weights,
        classes=0,
        pooling="avg",
    )
    return np.asarray(network.predict(images.ordered(), verbose=0), "float32")


def out_of_fold(
    features: np.ndarray, labels: np.ndarray, folds: int, epochs: int
) -> np.ndarray:
    """Return probabilities for each image from a classifier that has not seen it."""
    classes = int(labels.max()) + 1
    answers = np.zeros((len(labels), classes))
    fold = np.random.default_rng(1).permutation(len(labels)) % folds
    for number in range(folds):
        seen = fold != number
        mean, deviation = features[seen].mean(axis=0), features[seen].std(axis=0)
        given = (features - mean) / (deviation + 1e-6)
        head = keras.Sequential(
            [
                keras.Input(features.shape[1:]),
                keras.layers.Dense(classes, "softmax"),
            ]
        )
        head.compile(
            keras.optimizers.AdamW(3e-3, weight_decay=0.1),
            "sparse_categorical_crossentropy",
        )
        fit = {"batch_size": 128, "epochs": epochs, "verbose": 0}
        head.fit(given[seen], labels[seen], **fit)
        answers[~seen] = head.predict(given[~seen], verbose=0)
    return answers


def say(name: str, found: np.ndarray, wrong: np.ndarray) -> None:
    """Print how many of the found labels are wrong, and of the wrong ones found."""
    right = np.isin(found, np.flatnonzero(wrong)).sum()
    print(
        f"{name:14} {len(found):>6,} {right / max(1, len(found)):>10.1%} "
        f"{right / wrong.sum():>8.1%}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", help="a folder of images per class")
    parser.add_argument("weights", help="a file of weights for the network")
    parser.add_argument("--model", default="squeezenet1_1")
    parser.add_argument("--source", help="the tag whose weights the file has")
    parser.add_argument("--share", type=float, default=0.05, help="of wrong labels")
    parser.add_argument("--images", type=int, default=5000, help="the most to take")
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    keras.utils.set_random_seed(args.seed)
    began = time.perf_counter()
    splits = data.load(args.data, image_size=args.image_size, validation=None)
    everything = splits.split("train").examples
    rng = np.random.default_rng(args.seed)
    some = rng.permutation(len(everything.labels))[: args.images]
    images = data.ImageSet(everything.take(np.sort(some)), batch_size=64)
    weights = (args.source, args.weights) if args.source else args.weights
    features = features_of(images, args.model, weights)
    truth, classes = images.labels(), len(splits.class_names)

    wrong = rng.random(len(truth)) < args.share
    labels = (truth + wrong * rng.integers(1, classes, len(truth))) % classes
    answers = out_of_fold(features, labels, args.folds, args.epochs)
    right = (answers.argmax(axis=1) == truth).mean()
    print(
        f"{len(truth):,} images, {wrong.sum():,} labels made wrong; the classifier "
        f"is right for {right:.1%}; {time.perf_counter() - began:.0f} s"
    )
    print(f"{'':14} {'found':>6} {'precision':>10} {'recall':>8}")
    found = label_issues(labels, answers)
    say("label_issues", found, wrong)
    say("its first half", found[: len(found) // 2], wrong)
    try:
        from cleanlab.filter import find_label_issues
    except ImportError:
        print("cleanlab is not installed")
        return
    theirs = find_label_issues(
        labels, answers, return_indices_ranked_by="self_confidence", n_jobs=1
    )
    say("cleanlab", theirs, wrong)
    print(f"the same images in the same order: {np.array_equal(found, theirs)}")


if __name__ == "__main__":
    main()
