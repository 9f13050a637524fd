"""Say in the words of a shell what the library says in those of Python."""

import re

#: What messages of the library say, and how it is said at a prompt.
WORDS = (
    (r"(Pass|Give) `?weights=\(tag, path\)`?", "Give --weights FILE --source TAG"),
    (r"(pass |give )?`?weights=\(tag, path\)`?", "give --weights FILE --source TAG"),
    (r"`?\(tag, path\)`?", "--weights FILE --source TAG"),
    (r"`?weights=\(['\"]?([\w./-]+)['\"]?, [^)]+\)`?", r"--weights FILE --source \1"),
    (r"`?weights=['\"]?([\w./:-]+)['\"]?`?", r"--weights \1"),
    (r"`?image_size=(\d+)`?", r"--image-size \1"),
    (r"`?class_names=`?", "--class-names "),
    (r"`(weights|epochs|freeze|seed|recipe)`", r"--\1"),
    (r"`(batch_size|learning_rate|image_size|class_names)`", r"--\1"),
    (r"list_models\(task='(\w+)'\)", "`cnnzoo list`"),
    (r"`?list_models\(\)`?", "`cnnzoo list`"),
)


def in_shell_words(message: str) -> str:
    """Return a message of the library as a user of the command reads it.

    Example:
        >>> in_shell_words("`batch_size` must be positive; pass weights=(tag, path)")
        '--batch-size must be positive; give --weights FILE --source TAG'
    """
    for python, shell in WORDS:
        message = re.sub(python, shell, message)
    return re.sub(r"--\w+(_\w+)+", lambda m: m[0].replace("_", "-"), message)
