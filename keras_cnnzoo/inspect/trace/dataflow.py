"""List every operation inside a model, in order, with its inputs and outputs.

The model is called on symbolic tensors, and so is every layer in it, down to the
operations of `keras.ops`, which are recorded with their inputs. Nothing is computed,
and no layer changes.
"""

import contextlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import keras
from keras import KerasTensor, tree

from keras_cnnzoo.backend.forward import at_hand
from keras_cnnzoo.inspect.trace.call_order import CallOrder
from keras_cnnzoo.inspect.trace.calls import RAW, LayerCall, OpCall, Step, Tensors
from keras_cnnzoo.inspect.trace.outputs import output_of
from keras_cnnzoo.internals.calls import replace_calls
from keras_cnnzoo.structure.walk import children

Args: TypeAlias = tuple[Any, ...]
Function: TypeAlias = Callable[..., Any]
Kwargs: TypeAlias = dict[str, Any]
#: Operations of Keras that are made of others.
COMPOSED = ("Function", "Rearrange")
#: Layers treated as one operation: their type says more than the trace of their `call`.
WHOLE = (
    keras.layers.Bidirectional,
    keras.layers.CenterCrop,
    keras.layers.Resizing,
    keras.layers.RNN,
)


def dataflow(
    model: keras.layers.Layer, shape: tuple[int | None, ...] | None = None
) -> list[Step]:
    """List the operations and layer calls of a model's forward pass, at inference.

    If a layer's code does not work on symbolic tensors, because it calls functions of a
    backend, the backend runs it on tensors without values. The calls of layers inside
    it are recorded all the same. Each tensor that the code itself computes is listed as
    the output of an unknown operation:

    - as `RAW`, with all earlier tensors of the layer of the same height and width as
      inputs;
    - as None, with all earlier tensors of the layer as inputs, if none has that size or
      if the layer has a kernel of its own.

    Args:
        model: Any built model or layer.
        shape: Shape of one image, without the batch; sizes may be None. None uses the
            model's own inputs, which may be several.

    Raises:
        ValueError: The model works neither on symbolic tensors nor in the backend.
    """
    at_hand(model)
    tracer = _Tracer()
    with replace_calls(tracer.call_layer, tracer.call_op):
        tracer.enter(model, (_inputs(model, shape),), {})
    return tracer.steps


def _inputs(model: keras.layers.Layer, shape: tuple[int | None, ...] | None) -> Any:
    """Return symbolic inputs for a batch of one, in the model's input structure."""
    given = getattr(model, "input", None) if isinstance(model, keras.Model) else None
    if shape is None:
        return tree.map_structure(
            lambda x: KerasTensor((1, *x.shape[1:]), x.dtype), given
        )
    image = KerasTensor((1, *shape), "float32")
    return image if given is None else tree.map_structure(lambda _: image, given)


class _Tracer:
    """Records the calls of layers and operations on symbolic tensors."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.within: list[keras.layers.Layer] = []
        self.orders = [CallOrder()]
        self.awake = True
        #: While a backend runs a layer: pairs of its tensors and their symbolic twins.
        self.frame: list[tuple[Any, KerasTensor]] | None = None

    def call_op(self, plain: Function, op: Any, args: Args, kwargs: Kwargs) -> Any:
        if not self.awake:
            return plain(op, *args, **kwargs)
        composed = type(op).__name__ in COMPOSED or _is_foreign(op)
        return (self.compose if composed else self.take)(op, args, kwargs)

    def call_layer(
        self, plain: Function, layer: Any, args: Args, kwargs: Kwargs
    ) -> Any:
        if self.awake and _symbolic(args, kwargs):
            return self.enter(layer, args, kwargs)
        if self.awake and self.frame is not None:
            return self.shadow(plain, layer, args, kwargs)
        return plain(layer, *args, **kwargs)

    def take(self, op: Any, args: Args, kwargs: Kwargs) -> Any:
        """Record an operation without looking inside it."""
        with self._set(awake=False):
            outputs = output_of(op, args, kwargs)
        tensors = _symbolic(args, kwargs)
        self.steps.append(
            OpCall(op, args, tensors, _symbolic(outputs), self.within[-1])
        )
        return outputs

    def compose(self, op: Any, args: Args, kwargs: Kwargs) -> Any:
        """Trace the operations inside an operation; if that fails, record it itself."""
        start = len(self.steps)
        try:
            return op.call(*args, **kwargs)
        except Exception:  # Whatever foreign code raises on a symbolic tensor.
            del self.steps[start:]
            return self.take(op, args, kwargs)

    def enter(self, layer: keras.layers.Layer, args: Args, kwargs: Kwargs) -> Any:
        """Record the calls that a layer makes, and then the layer's own call."""
        start = len(self.steps)
        rank = self.orders[-1].next(layer)
        self.within.append(layer)
        self.orders.append(CallOrder(layer, rank))
        try:
            if isinstance(layer, WHOLE):
                outputs = self.take(layer, args, kwargs)
            elif isinstance(layer, keras.layers.TimeDistributed):
                outputs = self._each_step(layer, args, kwargs, start)
            else:
                outputs = self._look_into(layer, args, _at_rest(layer, kwargs), start)
        finally:
            self.within.pop()
            self.orders.pop()
        inside = self.steps[start:]
        self.steps.append(_ended(layer, args, kwargs, outputs, inside, rank))
        return outputs

    def _look_into(self, layer: Any, args: Args, kwargs: Kwargs, start: int) -> Any:
        try:
            with self._set(frame=None):
                return layer.call(*args, **kwargs)
        except Exception:  # Whatever foreign code raises on a symbolic tensor.
            self._forget(start)
        try:
            return self._run(layer, args, kwargs, start)
        except Exception as error:
            raise ValueError(
                f"{layer.name!r} cannot be followed: its `call` fails on tensors "
                f"without values. {type(error).__name__}: {error}"
            ) from error

    def _each_step(self, layer: Any, args: Args, kwargs: Kwargs, start: int) -> Any:
        """Trace a `TimeDistributed` with its time steps as a batch.

        The calls of the wrapped layer are left out. They run inside a loop of the
        backend, so other functions cannot see them either.
        """
        (x,) = _symbolic(args)
        y = self.enter(layer.layer, (keras.ops.reshape(x, (-1, *x.shape[2:])),), {})
        output = keras.ops.reshape(y, (*x.shape[:2], *y.shape[1:]))
        inside = self.steps[start:]
        self.steps[start:] = [step for step in inside if isinstance(step, OpCall)]
        return output

    def _forget(self, start: int) -> None:
        """Discard the calls of the innermost layer, before it is called once more."""
        del self.steps[start:]
        self.orders[-1] = CallOrder(self.within[-1], self.orders[-1].rank)

    def _run(self, layer: Any, args: Args, kwargs: Kwargs, start: int) -> Any:
        """Have the backend run a layer on tensors without values."""
        tensors = _symbolic(args, kwargs)
        outputs = None

        def call(*given: Any) -> Any:
            nonlocal outputs
            # PyTorch calls it again if the layer fails on tensors without values.
            self._forget(start)
            twins = {id(t): x for t, x in zip(tensors, given, strict=True)}
            frame = list(zip(given, tensors, strict=True))

            def real(structure: Any) -> Any:
                return tree.map_structure(lambda x: twins.get(id(x), x), structure)

            with self._set(frame=frame):
                answer = layer.call(*real(args), **real(kwargs))
                outputs = tree.map_structure(self._twin, answer)
            return answer

        # Keras 3.15 calls the product of a tensor and a number sparse, which it is not.
        dense = (KerasTensor(t.shape, t.dtype, name=t.name) for t in tensors)
        _Run(call, name="run").compute_output_spec(*dense)
        return outputs

    def shadow(self, plain: Function, layer: Any, args: Args, kwargs: Kwargs) -> Any:
        """Record a layer that the backend runs, by calling it on symbolic twins too."""
        symbolic = tree.map_structure(self._twin, (args, kwargs))
        with self._set(awake=False):
            outputs = plain(layer, *args, **kwargs)
        pairs = zip(
            tree.flatten(outputs),
            tree.flatten(self.enter(layer, *symbolic)),
            strict=True,
        )
        assert self.frame is not None
        self.frame += [pair for pair in pairs if isinstance(pair[1], KerasTensor)]
        return outputs

    def _twin(self, x: Any) -> Any:
        """Return the symbolic twin of a backend's tensor; create it if it is new."""
        if not keras.ops.is_tensor(x):
            return x
        assert self.frame is not None
        for tensor, twin in self.frame:
            if tensor is x:
                return twin
        twin = KerasTensor(tuple(x.shape), keras.backend.standardize_dtype(x.dtype))
        alike = []
        if not _has_kernel(self.within[-1]):
            alike = [twin for tensor, twin in self.frame if _alike(tensor, x)]
        made_of = tuple(alike or [twin for _, twin in self.frame])
        op = RAW if alike else None
        self.steps.append(OpCall(op, made_of, made_of, (twin,), self.within[-1]))
        self.frame.append((x, twin))
        return twin

    @contextlib.contextmanager
    def _set(self, **values: Any) -> Iterator[None]:
        before = {name: getattr(self, name) for name in values}
        vars(self).update(values)
        try:
            yield
        finally:
            vars(self).update(before)


class _Run(keras.layers.Layer):
    """A layer that calls a function, so that Keras computes its symbolic outputs."""

    def __init__(self, function: Function, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.function = function

    def call(self, *tensors: Any) -> Any:
        return self.function(*tensors)


def _symbolic(*structure: Any) -> Tensors:
    return tuple(x for x in tree.flatten(structure) if isinstance(x, KerasTensor))


def _ended(
    layer: keras.layers.Layer,
    args: Args,
    kwargs: Kwargs,
    outputs: Any,
    inside: list[Step],
    rank: tuple[int, ...],
) -> LayerCall:
    leaf = not any(isinstance(step, LayerCall) for step in inside)
    ops = [step for step in inside if isinstance(step, OpCall)]
    between = [] if leaf else [op for op in ops if op.layer is layer]
    inputs = _symbolic(args, kwargs)
    return LayerCall(layer, inputs, _symbolic(outputs), leaf, tuple(between), rank)


def _is_foreign(op: keras.Operation) -> bool:
    """Tell whether an operation is neither Keras's nor a layer."""
    ours = type(op).__module__.startswith("keras.")
    return not ours and not isinstance(op, keras.layers.Layer)


def _at_rest(layer: keras.layers.Layer, kwargs: Kwargs) -> Kwargs:
    """Set `training`, by default False, if the layer takes it; else remove it."""
    kwargs = dict(kwargs)
    training = kwargs.pop("training", None)
    if "training" in inspect.signature(layer.call).parameters:
        kwargs["training"] = bool(training)
    return kwargs


def _has_kernel(layer: keras.layers.Layer) -> bool:
    """Tell whether a layer has weights of its own that may be a convolution kernel."""
    inner = {id(w) for child in children(layer) for w in child.weights}
    return any(len(w.shape) > 2 for w in layer.weights if id(w) not in inner)


def _alike(a: Any, b: Any) -> bool:
    """Tell whether two tensors have the same shape except for the channels."""
    if len(a.shape) != len(b.shape):
        return False
    pairs = zip(a.shape, b.shape, strict=True)
    differ = [dim for dim, (n, m) in enumerate(pairs) if n != m]
    return differ in ([], [1], [len(a.shape) - 1])
