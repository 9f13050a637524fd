"""Teach a small network with the answers of a larger one.

The teacher is trained on all training images. The student gets only a few of them: once
with their labels alone, and once with the teacher's probabilities too. These say which
other classes an image resembles.

Keras's `Distiller` takes models that output logits: `classifier_activation=None`.

Example:
    python examples/distillation.py
    python examples/distillation.py --teacher cifar_resnet20 --student lenet5
"""

import argparse

import keras
import numpy as np

from keras_cnnzoo import build, data


def compile_model(
    model: keras.Model, *, epochs: int, steps: int, learning_rate: float = 3e-3
) -> None:
    """Compile a model that outputs logits."""
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, epochs * steps)
    model.compile(
        keras.optimizers.AdamW(schedule),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )


def accuracy(model: keras.Model, images: data.ImageSet) -> float:
    """Return the share of images whose highest logit is that of their class."""
    logits = model.predict(images.ordered(), verbose=0)
    return float((np.argmax(logits, axis=1) == images.labels()).mean())


def main() -> None:
    """Train the teacher, then the student without and with it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--teacher", default="lenet5", help="default: lenet5")
    parser.add_argument("--student", default="mlp", help="default: mlp")
    parser.add_argument(
        "--epochs", type=int, default=10, help="of the teacher; default: 10"
    )
    parser.add_argument(
        "--images", type=int, default=200, help="for the student; default: 200"
    )
    parser.add_argument(
        "--temperature", type=float, default=4.0, help="of the softmax; default: 4"
    )
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    args = parser.parse_args()

    keras.utils.set_random_seed(args.seed)
    digits = data.load("digits", image_size=32, augment="digits", seed=args.seed)
    train, test = digits.split("train"), digits.split("test")

    def logits_of(name: str) -> keras.Model:
        return build(
            name,
            input_shape=digits.image_shape,
            classes=len(digits.class_names),
            classifier_activation=None,
        )

    teacher = logits_of(args.teacher)
    compile_model(teacher, epochs=args.epochs, steps=len(train))
    teacher.fit(train, epochs=args.epochs, verbose=2)
    print(f"teacher {args.teacher}: accuracy {accuracy(teacher, test):.2%}")

    images, labels = train.arrays()
    few, few_labels = images[: args.images], labels[: args.images]
    # As many steps as the teacher had.
    repeats = max(1, len(images) // len(few))
    fit = {"epochs": args.epochs * repeats, "verbose": 0}
    steps = -(-len(few) // 32)

    alone = logits_of(args.student)
    student = logits_of(args.student)
    student.set_weights(alone.get_weights())
    compile_model(alone, epochs=args.epochs * repeats, steps=steps)
    alone.fit(few, few_labels, **fit)
    print(f"student {args.student}, labels of {len(few)}: {accuracy(alone, test):.2%}")

    distiller = keras.distillation.Distiller(
        teacher,
        student,
        # By its name, Keras 3.15 compares the logits instead of the probabilities.
        keras.distillation.LogitsDistillation(
            args.temperature, loss=keras.losses.KLDivergence()
        ),
        student_loss_weight=0.1,
    )
    compile_model(distiller, epochs=args.epochs * repeats, steps=steps)
    distiller.fit(few, few_labels, **fit)
    print(
        f"test accuracy {accuracy(student, test):.2%} of {test.num_examples} digits, "
        f"taught by {args.teacher}"
    )


if __name__ == "__main__":
    main()
