"""Parameters, multiply-accumulates and memory of each layer."""
