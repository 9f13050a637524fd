"""`python -m keras_cnnzoo` is the command `cnnzoo`."""

import sys

from keras_cnnzoo.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
