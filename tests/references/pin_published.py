"""Pin the rows of `keras_cnnzoo/registry/published.csv` that lie on the hub.

    python tests/references/pin_published.py [TABLE]

Asks the Hugging Face hub for the commit that each repository is at, and for the SHA-256
of its `model.safetensors`, and writes both into the table. Rows that are pinned stay as
they are: remove their revision to have them asked for again. It needs a network.
"""

import csv
import sys
from pathlib import Path

from huggingface_hub import HfApi

import keras_cnnzoo
from keras_cnnzoo.files import replacing
from keras_cnnzoo.registry.published import COLUMNS
from keras_cnnzoo.weights.hub import FILE

TABLE = Path(keras_cnnzoo.__file__).parent / "registry" / "published.csv"


def pin(table: Path) -> int:
    """Fill in what is missing; return how many rows that are on the hub stay open."""
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    api, left = HfApi(), 0
    for row in rows:
        if not row["hub"] or row["revision"]:
            continue
        about = api.model_info(row["hub"], files_metadata=True)
        stored = [f for f in about.siblings or () if f.rfilename == FILE]
        if not stored or stored[0].lfs is None:
            print(f"{row['hub']} has no {FILE} with a digest")
            left += 1
            continue
        row |= {"revision": about.sha, "hub_sha256": stored[0].lfs.sha256}
    with replacing(table) as partial, partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return left


if __name__ == "__main__":
    sys.exit(1 if pin(Path(sys.argv[1]) if sys.argv[1:] else TABLE) else 0)
