"""The example for Kubeflow Trainer is a TrainJob that runs our command."""

from pathlib import Path

import pytest
import yaml

from keras_cnnzoo import list_models
from keras_cnnzoo.cli.main import make_parser

JOB = Path(__file__).parents[1] / "examples" / "kubeflow_trainjob.yaml"
#: The fields of `TrainJobSpec`, `RuntimeRef` and `Trainer` in Kubeflow Trainer's
#: `pkg/apis/trainer/v1alpha1/trainjob_types.go`, and the type of each.
SPEC = {"runtimeRef": dict, "trainer": dict, "suspend": bool, "initializer": dict}
RUNTIME = {"apiGroup": str, "kind": str, "name": str}
TRAINER = {
    "image": str,
    "command": list,
    "args": list,
    "env": list,
    "numNodes": int,
    "resourcesPerNode": dict,
    "numProcPerNode": int,
}
#: What the runtime sets, and a job must not.
ITS_OWN = {"JAX_NUM_PROCESSES", "JAX_PROCESS_ID", "JAX_COORDINATOR_ADDRESS"}
pytestmark = pytest.mark.once


def _check(values, fields):
    assert set(values) <= set(fields)
    for name, value in values.items():
        assert type(value) is fields[name], name


def test_the_example_is_a_trainjob_of_the_jax_runtime():
    job = yaml.safe_load(JOB.read_text())
    assert set(job) == {"apiVersion", "kind", "metadata", "spec"}
    assert job["apiVersion"] == "trainer.kubeflow.org/v1alpha1"
    assert job["kind"] == "TrainJob"
    _check(job["spec"], SPEC)
    _check(job["spec"]["runtimeRef"], RUNTIME)
    assert job["spec"]["runtimeRef"]["name"] == "jax-distributed"
    trainer = job["spec"]["trainer"]
    _check(trainer, TRAINER)
    named = {variable["name"]: variable["value"] for variable in trainer["env"]}
    assert named["KERAS_BACKEND"] == "jax"
    assert not ITS_OWN & set(named)


def test_its_command_is_one_of_ours():
    trainer = yaml.safe_load(JOB.read_text())["spec"]["trainer"]
    program, *words = [*trainer["command"], *trainer["args"]]
    assert program == "cnnzoo"
    args = make_parser().parse_args(words)
    assert args.model in list_models()
    assert args.out
    assert args.hosts is None
