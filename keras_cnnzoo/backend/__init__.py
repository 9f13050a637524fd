"""What `keras.ops` lacks: compiled passes, gradients, values handed out of a step."""
