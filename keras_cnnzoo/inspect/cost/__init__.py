"""Parameters, arithmetic and memory of each layer."""
