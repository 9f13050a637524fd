"""Feature maps out of a running model."""
