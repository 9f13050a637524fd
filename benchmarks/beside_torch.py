"""Train a CIFAR ResNet beside a PyTorch loop of the same network, images and length.

    python benchmarks/beside_torch.py cifar10_jpeg.npz --epochs 8

Both begin with the same weights and take the same batches in the same order: PyTorch's
loop reads those of `keras_cnnzoo.data`. Optimizer, schedule and length are those of the
recipe `cifar_resnet`. Prints the test accuracy of the last epoch, the seconds and the
loss of each epoch of both. Nobody's epoch is chosen: all training images train.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from keras_cnnzoo import build, card, data
from keras_cnnzoo.training import compiling, find_recipe
from keras_cnnzoo.training.recipe import Recipe

#: The images of both networks are normalised alike.
PREPROCESSING = card("cifar_resnet20").preprocessing


class Block(nn.Module):
    """Two convolutions and a shortcut, which subsamples and pads where sizes differ."""

    def __init__(self, given: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(given, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.stride, self.more = stride, (width - given) // 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        short = x[:, :, :: self.stride, :: self.stride]
        short = nn.functional.pad(short, (0, 0, 0, 0, self.more, self.more))
        return (y + short).relu()


class ResNet(nn.Module):
    """The residual network of section 4.2 of the paper, of depth `6 * blocks + 2`."""

    def __init__(self, blocks: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        given = 16
        for number, width in enumerate((16, 32, 64), 1):
            stage = []
            for block in range(blocks):
                stride = 2 if number > 1 and block == 0 else 1
                stage.append(Block(given, width, stride))
                given = width
            setattr(self, f"layer{number}", nn.Sequential(*stage))
        self.linear = nn.Linear(64, 10)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.bn1(self.conv1(x)).relu()
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


def to_torch(images: np.ndarray) -> torch.Tensor:
    """Normalise a batch, and put its channels first."""
    mean, std = map(np.float32, (PREPROCESSING.mean, PREPROCESSING.std))
    return torch.tensor(((images - mean) / std).transpose(0, 3, 1, 2))


def train_torch(net: ResNet, splits: data.Splits, recipe: Recipe) -> dict[str, Any]:
    """Train by a loop, and return what was measured."""
    train, test = splits.split("train"), splits.split("test")
    settings, steps = recipe.optimizer, len(train)
    optimizer = torch.optim.SGD(
        net.parameters(),
        settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
    )
    marks = [round(m * recipe.epochs * steps) for m in recipe.schedule.milestones]
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, marks, 0.1)
    losses = []
    began = time.perf_counter()
    for epoch in range(recipe.epochs):
        total = 0.0
        net.train()
        for index in range(steps):
            images, labels = train.batches.read(epoch, index)
            answers = net(to_torch(images))
            loss = nn.functional.cross_entropy(answers, torch.tensor(labels).long())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(labels)
        losses.append(total / train.num_examples)
        print(f"  PyTorch epoch {epoch + 1}: loss {losses[-1]:.4f}", flush=True)
    seconds = time.perf_counter() - began
    net.eval()
    with torch.inference_mode():
        right = sum(
            int((net(to_torch(x)).argmax(1).numpy() == y).sum())
            for x, y in test.ordered()
        )
    return _measured(right / test.num_examples, seconds, losses)


def train_keras(
    name: str, file: Path, splits: data.Splits, recipe: Recipe
) -> dict[str, Any]:
    """Train by `fit`, and return what was measured."""
    model = build(name, input_shape=(32, 32, 3), classes=10, weights=str(file))
    train = splits.split("train")
    compiling.compile_model(model, recipe, len(train), 10, fine_tunes=False)
    began = time.perf_counter()
    history = model.fit(train, epochs=recipe.epochs, verbose=2).history
    seconds = time.perf_counter() - began
    scores = model.evaluate(splits.split("test").ordered(), verbose=0, return_dict=True)
    return _measured(scores["accuracy"], seconds, history["loss"])


def _measured(
    accuracy: float, seconds: float, losses: Sequence[float]
) -> dict[str, Any]:
    return {
        "test_accuracy_percent": round(100 * accuracy, 2),
        "seconds": round(seconds, 1),
        "losses": [round(float(loss), 4) for loss in losses],
    }


def main() -> None:
    """Train both, one after the other, and print what they reached."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", help="CIFAR-10 as for `cnnzoo train --data`")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--blocks", type=int, default=3, help="in each of three stages")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    name = f"cifar_resnet{6 * args.blocks + 2}"
    recipe = find_recipe(name, "cifar10").replace({"epochs": args.epochs})
    splits = data.load(
        args.data,
        batch_size=recipe.batch_size,
        augment=recipe.augment,
        validation=0,
        seed=args.seed,
    )
    torch.manual_seed(args.seed)
    net = ResNet(args.blocks)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "start.safetensors")
        save_file(net.state_dict(), file)
        found = {"keras-cnnzoo": train_keras(name, file, splits, recipe)}
    found["PyTorch"] = train_torch(net, splits, recipe)
    print(json.dumps({"model": name, "epochs": args.epochs, **found}, indent=2))


if __name__ == "__main__":
    main()
