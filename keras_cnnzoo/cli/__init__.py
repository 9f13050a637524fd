"""The `cnnzoo` command. Nothing here imports Keras before a sub-command runs."""
