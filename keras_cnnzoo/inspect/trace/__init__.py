"""Trace a model from its input to its output, without computing anything."""
