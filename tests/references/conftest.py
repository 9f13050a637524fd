"""These need libraries that the tests do without; doctest would import them."""

collect_ignore_glob = ["make_*.py", "papers/*.py"]
