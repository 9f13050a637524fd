"""Networks of PyTorch libraries, as they are usually run: channels last, autocast.

On a GPU they are compiled by `torch.compile`; a CPU would need a C++ compiler for that.
"""

import contextlib
from typing import Any

from keras_cnnzoo.bench.contender import MOMENTUM, RATE, Contender, Task
from keras_cnnzoo.bench.turns import timed


def torch_contender(
    name: str, package: str, network: Any, task: Task, macs: int, params: int
) -> Contender:
    """Prepare a network of PyTorch that outputs logits, or logits and auxiliary ones.

    Its images are floating-point numbers around 0, since it does not preprocess them,
    and stay on the device in channels-last order.

    Args:
        name: The network's name.
        package: The package that it comes from.
        network: A `torch.nn.Module`.
        task: What every network gets.
        macs: Multiply-accumulates of our network of this name.
        params: Trainable parameters of our network. If the other one has as many, it
            counts as the same network, with the same multiply-accumulates.
    """
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind = getattr(torch, task.precision)
    images = torch.from_numpy(task.images).permute(0, 3, 1, 2).to(device)
    images = (images.float() / 127.5 - 1).to(kind)
    images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.from_numpy(task.labels).long().to(device)
    network = network.to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), RATE, MOMENTUM)
    scaler = torch.amp.GradScaler(device.type, enabled=task.precision == "float16")
    run = torch.compile(network) if device.type == "cuda" else network

    def mixed() -> contextlib.AbstractContextManager[Any]:
        return torch.autocast(device.type, kind, enabled=task.precision != "float32")

    def logits() -> Any:
        outputs = run(images)
        return outputs[0] if isinstance(outputs, tuple) else outputs

    def forward() -> None:
        network.eval()
        with torch.inference_mode(), mixed():
            logits()

    def train() -> None:
        network.train()
        optimizer.zero_grad(set_to_none=True)
        with mixed():
            loss = torch.nn.functional.cross_entropy(logits().float(), labels)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()

    def finish() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()
        optimizer.zero_grad(set_to_none=True)

    own = sum(p.numel() for p in network.parameters() if p.requires_grad)
    return Contender(
        name,
        package,
        own,
        macs if own == params else None,
        {"forward": timed(forward, finish), "training": timed(train, finish)},
        {
            "forward": lambda: _nbytes(network.state_dict().values()),
            "training": lambda: (
                _nbytes(network.state_dict().values()) + _nbytes(_state(optimizer))
            ),
        },
    )


def _state(optimizer: Any) -> list[Any]:
    """Return the tensors that an optimizer keeps."""
    found = (value for kept in optimizer.state.values() for value in kept.values())
    return [value for value in found if hasattr(value, "nbytes")]


def _nbytes(tensors: Any) -> int:
    return sum(int(tensor.nbytes) for tensor in tensors)
