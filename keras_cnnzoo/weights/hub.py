"""Download weights from the Hugging Face hub, and upload your own.

HF_HOME, HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE work as in `huggingface_hub`.
"""

import socket
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

import keras

from keras_cnnzoo import inspect
from keras_cnnzoo.cards import Weights
from keras_cnnzoo.registry import card, origin
from keras_cnnzoo.weights import content
from keras_cnnzoo.weights.download import digest
from keras_cnnzoo.weights.export import save_safetensors
from keras_cnnzoo.weights.identity import zoo_name
from keras_cnnzoo.weights.offline import OFFLINE, DownloadError, is_offline

PREFIX = "hf://"
FILE = "model.safetensors"
#: Seconds to wait for an answer before the hub counts as unreachable.
PATIENCE = 5.0


def parse(address: str) -> tuple[str, str, str | None]:
    """Split `hf://owner/repo[@revision][/file]` into repository, file and revision.

    Raises:
        ValueError: The address names no repository.
    """
    owner, _, rest = address.removeprefix(PREFIX).partition("/")
    name, _, file = rest.partition("/")
    name, _, revision = name.partition("@")
    if not owner or not name:
        raise ValueError(
            f"An address on the hub is {PREFIX}owner/repo, optionally followed by "
            f"@revision and /file. Received: {address!r}"
        )
    return f"{owner}/{name}", file or FILE, revision or None


def address(row: Weights) -> str:
    """Return the hub address of a card's row, with its revision if it states one."""
    return f"{PREFIX}{row.hub}" + (f"@{row.revision}" if row.revision else "")


def fetch(address: str, *, sha256: str | None = None) -> Path:
    """Return the local copy of a file on the hub, downloading it if necessary.

    Args:
        address: `hf://owner/repo`, optionally followed by `@revision` and `/file`;
            without a file, `model.safetensors`.
        sha256: Digest that the file must have, or the beginning of it; None accepts
            any.

    Raises:
        DownloadError: The hub cannot be reached, has no such repository or file, or
            downloads are switched off; or the copy was damaged, and has been removed.
    """
    import huggingface_hub
    from huggingface_hub import constants
    from huggingface_hub.errors import (
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    repository, file, revision = parse(address)
    offline = is_offline("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    try:
        found = huggingface_hub.hf_hub_download(
            repository,
            file,
            revision=revision,
            etag_timeout=PATIENCE,
            # Without a network, huggingface_hub would retry for half a minute.
            local_files_only=offline or not _in_reach(constants.ENDPOINT),
        )
    except LocalEntryNotFoundError as error:
        reason = "cannot be reached"
        if offline:
            reason = f"is not contacted, as {OFFLINE} or HF_HUB_OFFLINE is set"
        raise DownloadError(
            f"{address} is not in the cache, and the hub {reason}. Without a network, "
            "pass the path of a local file."
        ) from error
    except RepositoryNotFoundError as error:
        raise DownloadError(
            f"{address}: the hub has no such repository, or it is private. For a "
            "private one, set HF_TOKEN to a token that has access to it."
        ) from error
    except (HfHubHTTPError, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise DownloadError(f"{address} could not be downloaded: {reason}") from error
    if problem := _problem(Path(found), sha256):
        Path(found).resolve().unlink()
        raise DownloadError(
            f"The copy of {address} {problem}. It was removed. Try again; if it "
            "happens again, the file on the hub has been replaced."
        )
    return Path(found)


def _problem(found: Path, sha256: str | None) -> str | None:
    """Say why a cached file is not the expected one; None if it is."""
    blob = found.resolve()
    # The hub and its cache name large files by their SHA-256 digest.
    large = len(blob.name) == 64
    present = digest(blob) if large or sha256 else ""
    if large and present != blob.name:
        return "was cut short or damaged"
    if sha256 and not present.startswith(sha256.lower()):
        return f"has SHA-256 {present}, but {sha256} was expected"
    try:
        content.check(blob, found.name)
    except ValueError as error:
        return f"is not a weights file: {error}"
    return None


def _in_reach(endpoint: str) -> bool:
    """Tell whether a connection can be opened; always true behind a proxy."""
    address = urllib.parse.urlsplit(endpoint)
    if urllib.request.getproxies().get(address.scheme):
        return True
    port = address.port or {"http": 80}.get(address.scheme, 443)
    try:
        socket.create_connection((address.hostname, port), PATIENCE).close()
    except OSError:
        return False
    return True


def push_to_hub(
    model: keras.Model,
    repository: str,
    *,
    private: bool = False,
    license: str | None = None,
    token: str | None = None,
) -> str:
    """Upload a model's weights to the Hugging Face hub, with a model card.

    `build(name, weights="hf://owner/repo")` loads them again.

    Args:
        model: A model that `keras_cnnzoo.build` made.
        repository: "owner/repo"; it is created if it does not exist.
        private: Whether a new repository is private.
        license: The weights' licence, as the hub spells it, such as "apache-2.0".
        token: Your access token; None takes the one that `hf auth login` stored.

    Returns:
        The address for `weights=`.

    Raises:
        ValueError: `keras_cnnzoo.build` did not make the model.
        huggingface_hub.errors.HfHubHTTPError: The hub refuses the upload.
    """
    import huggingface_hub

    text = model_card(model, repository, license)
    api = huggingface_hub.HfApi(token=token)
    api.create_repo(repository, private=private, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        save_safetensors(model, Path(folder, FILE))
        Path(folder, "README.md").write_text(text, encoding="utf-8")
        api.upload_folder(
            repo_id=repository,
            folder_path=folder,
            commit_message=f"Add {zoo_name(model)} by keras-cnnzoo",
        )
    return PREFIX + repository


def model_card(model: keras.Model, repository: str, license: str | None = None) -> str:
    """Write the model card for the hub.

    Raises:
        ValueError: `keras_cnnzoo.build` did not make the model.
    """
    built = origin(model)
    if built is None:
        raise ValueError(
            f"{model.name!r} was not made by `keras_cnnzoo.build`, so the model card "
            "cannot say how to build it for these weights."
        )
    about = card(built.name)
    shape = tuple(model.input_shape[1:])
    usual = {
        "input_shape": about.input_shape,
        "classes": about.classes,
        "preprocessing": True,
        "classifier_activation": "softmax",
        "features": None,
        "pooling": None,
    }
    arguments = [repr(built.name), f'weights="{PREFIX}{repository}"']
    arguments += [
        f"{key}={value!r}"
        for key, value in built.arguments.items()
        if key not in usual or value != usual[key]
    ]
    front = [
        "library_name: keras",
        f"tags: [keras, keras-cnnzoo, image-{about.task}]",
        *([f"license: {license}"] if license else []),
    ]
    count = inspect.count_params(model)
    return "\n".join(
        [
            *("---", *front, "---", "", f"# {built.name}", ""),
            f"[{about.paper.title}]({about.paper.url}), {about.paper.authors},",
            f"{about.paper.year}: {count:,} trainable parameters.",
            f"It takes images of shape {shape} with pixels of 0..255, which its first",
            "layer normalises.",
            "",
            "    from keras_cnnzoo import build",
            "",
            f"    model = build({', '.join(arguments)})",
            "",
        ]
    )
