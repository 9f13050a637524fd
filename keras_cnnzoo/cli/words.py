"""Translate the library's messages from Python's syntax to command-line options."""

import re

#: Patterns in messages of the library, and the text for the command line.
WORDS = (
    (r"(Pass|Give) `?weights=\(tag, path\)`?", "Give --weights FILE --source TAG"),
    (r"(pass |give )?`?weights=\(tag, path\)`?", "give --weights FILE --source TAG"),
    (r"`?\(tag, path\)`?", "--weights FILE --source TAG"),
    (r"`?weights=\(['\"]?([\w./-]+)['\"]?, [^)]+\)`?", r"--weights FILE --source \1"),
    (r"`?weights=['\"]?([\w./:-]+)['\"]?`?", r"--weights \1"),
    (r"`?transfer=['\"]?(\w+)['\"]?`?", r"--transfer \1"),
    (r"`?image_size=(\d+)`?", r"--image-size \1"),
    (r"`?class_names=`?", "--class-names "),
    (r"`(weights|epochs|freeze|seed|recipe|transfer|devices|hosts)`", r"--\1"),
    (r"`(rounds|precision|trials|minutes)`", r"--\1"),
    (r"`(batch_size|learning_rate|find_rate|image_size|class_names)`", r"--\1"),
    (r"list_models\(task='(\w+)'\)", "`cnnzoo list`"),
    (r"`?list_models\(\)`?", "`cnnzoo list`"),
)


def in_shell_words(message: str) -> str:
    """Replace Python arguments in a message by the matching command-line options.

    Example:
        >>> in_shell_words("`batch_size` must be positive; pass weights=(tag, path)")
        '--batch-size must be positive; give --weights FILE --source TAG'
    """
    for python, shell in WORDS:
        message = re.sub(python, shell, message)
    return re.sub(r"--\w+(_\w+)+", lambda m: m[0].replace("_", "-"), message)
