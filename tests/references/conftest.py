"""The script needs libraries that the tests do without; doctest would import it."""

collect_ignore = ["make_references.py"]
