"""Whatever happens while a file is written, the one before it is still there."""

import concurrent.futures
import contextlib
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_cnnzoo import files
from keras_cnnzoo.training import replacing, save_model, write_text

# Saves models of all ones, all twos ... over each other, and is killed within a save.
KILLED = """
import os, signal, sys, time
import keras, numpy as np
from keras_cnnzoo.training import save_model

path = sys.argv[1]
model = keras.Sequential([keras.Input((1000,)), keras.layers.Dense(1000)])

def save(number):
    model.set_weights([np.full_like(w, number) for w in model.get_weights()])
    save_model(model, path)

save(0)
started = time.perf_counter()
save(1)
once = time.perf_counter() - started
within = 0
for share in np.linspace(0.1, 1.9, 12):
    child = os.fork()
    if child == 0:
        number = 2
        while True:
            save(number)
            number += 1
    time.sleep(share * once)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    within += any(name.startswith(".") for name in os.listdir(os.path.dirname(path)))
    values = {float(v) for w in keras.saving.load_model(path).get_weights()
              for v in np.unique(w)}
    assert len(values) == 1, values
print("kills within a save:", within)
save(0)
assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)]
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_kill_leaves_a_whole_file(tmp_path):
    # NumPy's backend has no threads, so that forks of it are sound.
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "model.keras")],
        env=os.environ | {"KERAS_BACKEND": "numpy"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split(":")[-1]) > 0


@pytest.fixture
def model():
    return keras.Sequential([keras.Input((200,)), keras.layers.Dense(500)])


@contextlib.contextmanager
def _files_at_most(size):
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on file sizes")
def test_a_file_that_does_not_fit_leaves_the_old_one(tmp_path, model):
    path = tmp_path / "model.keras"
    save_model(model, path)
    old = [w + 1 for w in model.get_weights()]
    model.set_weights(old)
    save_model(model, path)
    model.set_weights([w + 1 for w in old])
    with _files_at_most(100_000), pytest.raises(OSError, match="as it was before"):
        save_model(model, path)
    assert os.listdir(tmp_path) == ["model.keras"]
    for kept, was in zip(keras.saving.load_model(path).get_weights(), old, strict=True):
        np.testing.assert_array_equal(kept, was)


def test_a_full_disk_leaves_the_old_file(tmp_path, model):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", str(disk)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"mounting a small disk takes rights that are not here: {error}")
    try:
        save_model(model, disk / "model.keras")
        with pytest.raises(OSError, match="No space left on device") as raised:
            save_model(model, disk / "model.keras")
        assert str(disk / "model.keras") in str(raised.value)
        assert os.listdir(disk) == ["model.keras"]
        keras.saving.load_model(disk / "model.keras")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_threads_that_write_one_file_leave_one_of_theirs(tmp_path):
    path = tmp_path / "notes.txt"

    def write(number):
        for _ in range(15):
            write_text(path, f"{number}" * 1000)

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    assert len(set(path.read_text())) == 1
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_what_others_are_writing_is_left_alone(tmp_path):
    path = tmp_path / "a.txt"
    with replacing(path) as alive, replacing(tmp_path / "a.b.txt") as other:
        theirs = tmp_path / alive.name.replace(files._HOST, "00000000")
        theirs.write_text("of another machine")
        write_text(path, "meanwhile")
        assert alive.exists()
        assert other.exists()
        assert theirs.exists()
        alive.write_text("last")
    assert path.read_text() == "last"


def test_what_a_dead_process_left_is_removed_and_only_that(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = f".a.{files._HOST}-{dead.pid}-0123abcd.txt"
    kept = [f".a.b.{files._HOST}-{dead.pid}-0123abcd.txt", ".a.notes.txt", ".a.txt"]
    for name in (left, *kept):
        (tmp_path / name).write_text("")
    write_text(tmp_path / "a.txt", "new")
    assert sorted(os.listdir(tmp_path)) == sorted([*kept, "a.txt"])


def test_a_link_is_followed_and_stays(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "a.txt", tmp_path / "a.txt"
    link.symlink_to(target)
    for text in ("first", "second"):
        write_text(link, text)
        assert link.is_symlink()
        assert target.read_text() == text
    assert os.listdir(target.parent) == ["a.txt"]


def test_a_new_file_has_the_usual_rights(tmp_path):
    write_text(tmp_path / "a.txt", "new")
    (tmp_path / "b.txt").write_text("new")
    rights = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(rights) == 1


def test_an_error_within_the_block_leaves_the_old_file(tmp_path):
    path = tmp_path / "history.csv"
    write_text(path, "old")

    def write_half():
        with replacing(path) as partial:
            partial.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        write_half()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["history.csv"]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(OSError, match=r"nowhere/config.json could not be written"):
        write_text(tmp_path / "nowhere" / "config.json", "{}")


def test_a_model_is_saved_to_a_keras_file(tmp_path, model):
    with pytest.raises(ValueError, match=r"model\.h5"):
        save_model(model, tmp_path / "model.h5")
