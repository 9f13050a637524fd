"""Functions beyond `keras.ops`: compiled passes, gradients, values out of a step."""
