"""Start Keras and its backend, without a word where all is well."""


def start_keras() -> None:
    """Import Keras, register the layers, and have the backend look for its devices.

    Raises:
        ImportError: The backend is not installed; the message says what to install.
    """
    from keras_cnnzoo.chatter import without_chatter
    from keras_cnnzoo.installed import require_backend

    require_backend()
    with without_chatter():
        import keras

        # Saved models load only once their layers are registered.
        import keras_cnnzoo.layers  # noqa: F401

        keras.ops.zeros(())  # the first operation looks for devices
