"""Estimate the memory of a forward pass and of a training step."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import keras
from keras import KerasTensor

from keras_cnnzoo.inspect.field.kinds import PIXELWISE, RESHAPING
from keras_cnnzoo.inspect.trace.calls import LayerCall, OpCall, Step

#: These return their input itself if its dtype does not change.
CONVERTING = ("Cast", "ConvertToTensor", "StopGradient")


@dataclass(frozen=True)
class Memory:
    """Estimated memory in bytes, without the backend's own workspace.

    Attributes:
        weights: All weights, trainable or not.
        gradients: Gradients of the trainable weights.
        slots: The optimizer's values for the trainable weights, such as momentum.
        activations: Outputs of layers, and of operations between layers in blocks. All
            of them are kept for the backward pass.
        peak: The largest total of the tensors alive at one time in a forward pass.
            Each operation writes a new tensor, which is kept until the last operation
            that reads it has run. Reshapes share their input's memory, and pixelwise
            operations overwrite an input that nothing reads after them.
    """

    weights: int
    gradients: int
    slots: int
    activations: int
    peak: int

    @property
    def training(self) -> int:
        """Weights, gradients, optimizer slots and all activations."""
        return self.weights + self.gradients + self.slots + self.activations

    @property
    def inference(self) -> int:
        """Weights, and the largest total of activations alive at one time."""
        return self.weights + self.peak


def memory(
    model: keras.Model, steps: Sequence[Step], batch_size: int, optimizer_slots: int
) -> Memory:
    """Estimate a model's memory from the dataflow of one image.

    Args:
        model: The model.
        steps: As `dataflow` returns them.
        batch_size: The number of images in a batch.
        optimizer_slots: How many values the optimizer keeps per trainable weight.
    """
    trainable = sum(map(weight_bytes, model.trainable_weights))
    kept = (given_bytes(step) for step in steps if isinstance(step, LayerCall))
    return Memory(
        weights=sum(map(weight_bytes, model.weights)),
        gradients=trainable,
        slots=optimizer_slots * trainable,
        activations=batch_size * sum(kept),
        peak=batch_size * peak(steps),
    )


def weight_bytes(weight: keras.Variable) -> int:
    """Return the bytes of one weight."""
    return int(math.prod(weight.shape)) * _itemsize(weight.dtype)


def given_bytes(call: LayerCall) -> int:
    """Return the bytes of a layer's own outputs, without those of layers inside it.

    Outputs that are inputs of the layer do not count.
    """
    if not call.leaf:
        ops = [op for op in call.between if not _hands_on(op)]
        return sum(_bytes(x, call.layer) for op in ops for x in op.outputs)
    given = {id(x) for x in call.inputs}
    made = {id(x): x for x in call.outputs if id(x) not in given}
    return sum(_bytes(x, call.layer) for x in made.values())


def peak(steps: Sequence[Step]) -> int:
    """Return the most bytes alive at one time in the forward pass of one image."""
    ops = [step for step in steps if isinstance(step, OpCall)]
    root = _shared(ops)
    last = {root[id(x)]: n for n, op in enumerate(ops) for x in op.tensors}
    if steps and isinstance(steps[-1], LayerCall):
        last |= {root.get(id(x), id(x)): len(ops) for x in steps[-1].outputs}
    alive: dict[int, int] = {}
    most = 0
    for n, op in enumerate(ops):
        for x in op.tensors:  # adds only the image: no operation has made it
            alive.setdefault(root[id(x)], _bytes(x, op.layer))
        ending = {root[id(x)] for x in op.tensors if last[root[id(x)]] == n}
        made = {id(x): _bytes(x, op.layer) for x in op.outputs if root[id(x)] == id(x)}
        if type(op.op).__name__ in PIXELWISE:
            over = [name for name in ending if alive[name] >= sum(made.values())]
            for name in over[:1]:
                del alive[name]
                ending.discard(name)
        alive |= made
        most = max(most, sum(alive.values()))
        unread = {name for name in made if name not in last}
        for name in ending | unread:
            alive.pop(name, None)
    return most


def _shared(ops: Sequence[OpCall]) -> dict[int, int]:
    """Map the id of each tensor to the id of the tensor whose memory it uses."""
    root: dict[int, int] = {}
    for op in ops:
        for x in op.tensors:
            root.setdefault(id(x), id(x))
        for x in op.outputs:
            root[id(x)] = root[id(op.tensors[0])] if _hands_on(op) else id(x)
    return root


def _hands_on(op: OpCall) -> bool:
    """Tell whether an operation's output uses the memory of its input."""
    name = type(op.op).__name__
    if name in CONVERTING:
        return bool(op.tensors) and op.tensors[0].dtype == op.outputs[0].dtype
    return bool(op.tensors) and name in RESHAPING


def _bytes(x: KerasTensor, layer: keras.layers.Layer) -> int:
    # Layers cast real inputs to their compute dtype, but not symbolic ones.
    floating = keras.backend.is_float_dtype(x.dtype)
    dtype = layer.compute_dtype if floating else x.dtype
    return int(math.prod(n or 1 for n in x.shape)) * _itemsize(dtype)


def _itemsize(dtype: str) -> int:
    bits = re.search(r"\d+", keras.backend.standardize_dtype(dtype))
    return max(int(bits[0]) // 8, 1) if bits else 1
