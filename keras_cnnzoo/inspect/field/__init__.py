"""Which pixels of the image a unit sees."""
