"""Start Keras and its backend, without their log messages unless something fails."""


def start_keras(hosts: str | None = None, *, trains: bool = False) -> None:
    """Import Keras, register our layers, and let the backend find its devices.

    Args:
        hosts: As for `keras_cnnzoo.training.train`.
        trains: Whether other processes are to be joined, which has to come first.

    Raises:
        ImportError: The backend is not installed; the message says what to install.
    """
    from keras_cnnzoo.chatter import without_chatter
    from keras_cnnzoo.installed import require_backend

    require_backend()
    with without_chatter():
        import keras

        # Saved models can be loaded only after their layers are registered.
        import keras_cnnzoo.layers  # noqa: F401

        if trains:
            from keras_cnnzoo.training.processes import Hosts, join

            join(None if hosts is None else Hosts.parse(hosts))
        keras.ops.zeros(())  # the first operation initialises the devices
