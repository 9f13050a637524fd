"""Several processes learn together what one does."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_cnnzoo.training.folder import Run
from keras_cnnzoo.training.keeping import KeepCheckpoints, StopInOrder
from keras_cnnzoo.training.processes import Hosts, Processes, ProcessLost, join

SCRIPT = Path(__file__).with_name("on_processes.py")


def _free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def _start(what, hosts, folder):
    cache = {
        "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), what, hosts, str(folder)],
        env=os.environ | {"KERAS_BACKEND": "jax"} | (cache if hosts == "-" else {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _end(process):
    """Return the exit code, what was printed last, and all messages."""
    try:
        out, messages = process.communicate(timeout=240)
    except subprocess.TimeoutExpired:
        process.kill()  # JAX ignores what `terminate` sends
        out, messages = process.communicate()
    told = json.loads(out.splitlines()[-1]) if process.returncode == 0 else None
    return process.returncode, told, messages


def _together(what, folder):
    address = f"127.0.0.1:{_free_port()}"
    started = [_start(what, f"{address},2,{index}", folder) for index in range(2)]
    return [_end(process) for process in started]


@pytest.mark.once
def test_two_processes_fit_what_one_does_and_have_the_same_weights(tmp_path):
    (code, first, why), (_, second, _) = _together("fitted", tmp_path / "two")
    assert code == 0, why
    (losses, digest, said, _), (others, same, heard, temporary) = first, second
    assert (
        (losses, digest, said)
        == (others, same, "said by process 0")
        == (*(others, same, heard),)
    )
    assert not Path(temporary).exists()
    code, (alone, _, _, _), why = _end(_start("fitted", "-", tmp_path / "one"))
    assert code == 0, why
    np.testing.assert_allclose(losses, alone, rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("how", ["killed", "called"])
def test_a_process_that_ends_leaves_a_training_that_goes_on(tmp_path, how):
    (first, _, why), (second, _, _) = _together(how, tmp_path)
    if how == "killed":
        assert (first, second) == (75, -9), why
        assert "Another process of this training has ended" in why
    else:  # both stop before the same step
        assert first != 0
        assert second != 0
        assert "after a checkpoint" in why
    assert f"cnnzoo train --resume {tmp_path}" in why
    (code, first, why), (_, second, _) = _together("resumed", tmp_path)
    assert code == 0, why
    assert [first[-1], second[-1]] == [True, False]
    assert first[1] == second[1]
    code, (alone, _, _), why = _end(_start("trained", "-", tmp_path / "one"))
    assert code == 0, why
    for row, expected in zip(first[0], alone, strict=True):
        assert row == pytest.approx(expected, abs=1e-5)


@pytest.mark.once
@pytest.mark.parametrize(("index", "shown"), [(0, "here"), (1, "RUN, the run folder")])
def test_a_command_to_go_on_names_the_folder_of_process_0(index, shown):
    with (
        pytest.raises(ProcessLost, match=f"train --resume {shown}"),
        Processes(index, 2).together(Path("here")),
    ):
        raise RuntimeError("Gloo: connection closed by peer")


class _Uncalled(Processes):
    def are_called(self, step):
        return False


@pytest.mark.once
def test_processes_stop_at_the_end_of_the_epoch_in_which_they_diverge(tmp_path):
    # Keras tells of a loss from a thread, at another step in each process.
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    stopped = []
    for count in (1, 2):
        stop = StopInOrder(KeepCheckpoints(tmp_path), _Uncalled(0, count))
        stop.set_model(model)
        model.stop_training = False
        stop.on_epoch_begin(0)
        stop.on_train_batch_end(0, {"loss": float("nan")})
        stop.on_train_batch_begin(1)
        stopped.append(model.stop_training)
        stop.on_epoch_end(0, {"loss": float("nan")})
        assert model.stop_training
        assert stop.status == "diverged"
    assert stopped == [True, False]


@pytest.mark.once
def test_a_run_of_several_processes_goes_on_in_one(tmp_path):
    run = Run(tmp_path, {"devices": 16, "processes": 2})
    assert run.devices_each == 8
    again = run.reopen(8, 1)
    assert again.devices_each == 8
    assert again.config["processes"] == 1
    assert Run(tmp_path, {}).devices_each == 1


@pytest.mark.once
def test_hosts_are_read_from_text_and_from_the_environment():
    hosts = Hosts("10.0.0.1:7777", 2, 1)
    assert Hosts.parse("10.0.0.1:7777,2,1") == hosts
    kubeflow = {
        "JAX_COORDINATOR_ADDRESS": "job-node-0-0.job:6666",
        "JAX_NUM_PROCESSES": "2",
        "JAX_PROCESS_ID": "1",
    }
    expected = Hosts("job-node-0-0.job:6666", 2, 1)
    assert Hosts.of_environment(kubeflow) == expected
    assert Hosts.of_environment({}) is None
    assert Hosts.of_environment(kubeflow | {"JAX_NUM_PROCESSES": "1"}) is None
    with pytest.raises(ValueError, match="JAX_NUM_PROCESSES is 2, and JAX_PROCESS_ID"):
        Hosts.of_environment(kubeflow | {"JAX_PROCESS_ID": ""})
    for text, message in {
        "10.0.0.1:7777": "ADDRESS:PORT,COUNT,INDEX",
        "10.0.0.1:7777,2,x": "ADDRESS:PORT,COUNT,INDEX",
        "10.0.0.1,2,0": "address of process 0",
        "10.0.0.1:7777,2,2": "from 0 to 1",
    }.items():
        with pytest.raises(ValueError, match=message):
            Hosts.parse(text)


def test_other_backends_name_the_one_that_works():
    if keras.backend.backend() == "jax":
        pytest.skip("it is the one that works")
    with pytest.raises(ValueError, match="KERAS_BACKEND=jax"):
        join(Hosts("10.0.0.1:7777", 2, 1))
