"""The `kubectl` that scripts find on their PATH."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioning.trial.cluster import Cluster
from tests.trial_cluster import manifests
from tests.trial_cluster.conftest import PROVISIONER

Shim = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def shim(cluster: Cluster, tmp_path: Path) -> Shim:
    cluster.install(tmp_path / "bin")

    def call(*argv: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        around = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "TRIAL_CLUSTER_SOCKET": str(tmp_path / "socket"),
            "TRIAL_ACCOUNT": PROVISIONER,
        }
        command = [str(tmp_path / "bin" / "kubectl"), *argv]
        return subprocess.run(
            command, input=stdin, env=around | env, cwd=tmp_path, capture_output=True, text=True, check=False
        )

    return call


def test_input_files_and_output_pass_through(cluster: Cluster, shim: Shim, tmp_path: Path) -> None:
    cluster.serve(tmp_path / "socket")
    (tmp_path / "ns.json").write_text(manifests.namespace("from-file"))
    assert shim(*manifests.APPLY, stdin=manifests.namespace("from-stdin")).returncode == 0
    assert shim("apply", "--server-side", "--filename=ns.json").stdout == "namespace/from-file serverside-applied\n"
    assert shim("apply", "--server-side", "-f=ns.json", "-o", "name").stdout == "namespace/from-file\n"
    assert 'the path "none.json" does not exist' in shim("apply", "--server-side", "-f", "none.json").stderr
    done = shim("get", "ns", "-o", "jsonpath={range .items[*]}{.metadata.name}{'é\\n'}{end}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "from-fileé\nfrom-stdiné\n", "")
    assert shim("get", "ns", "none", "-o", "name").returncode == 1


def test_a_home_that_has_reached_the_cluster_remembers_it(cluster: Cluster, shim: Shim, tmp_path: Path) -> None:
    cluster.serve(tmp_path / "socket")
    cluster.fail()
    assert shim("get", "ns", "x", "-o", "name").stderr.count("memcache.go") == 5
    cluster.recover()
    shim("get", "ns", "x", "-o", "name")
    cluster.fail()
    assert shim("get", "ns", "x", "-o", "name").stderr.count("memcache.go") == 0
    assert shim("get", "ns", "x", "-o", "name", HOME="/proc").stderr.count("memcache.go") == 5
    cluster.recover()
    assert shim("get", "ns", "-o", "name", HOME="/proc").returncode == 0


def test_a_cluster_that_is_not_there_is_an_error_that_passes(shim: Shim) -> None:
    done = shim("get", "ns", "-o", "name")
    assert done.returncode == 1
    assert done.stderr.startswith("The connection to the server of the trial cluster was refused: ")


def test_a_connection_without_a_request_is_no_harm(cluster: Cluster, shim: Shim, tmp_path: Path) -> None:
    cluster.serve(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(tmp_path / "socket"))
    assert shim("get", "ns", "-o", "name").returncode == 0


def test_only_its_owner_reaches_the_socket(cluster: Cluster, tmp_path: Path) -> None:
    cluster.serve(tmp_path / "socket")
    assert (tmp_path / "socket").stat().st_mode & 0o777 == 0o600
