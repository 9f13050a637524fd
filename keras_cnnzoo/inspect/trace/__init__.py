"""Follow a model from image to output, without computing anything."""
