"""What this kubectl does not do it says, and does nothing."""

from __future__ import annotations

import pytest

from provisioning.trial.cluster import Cluster
from tests.trial_cluster import manifests
from tests.trial_cluster.conftest import Kubectl
from tests.trial_cluster.manifests import NAME

REFUSED = {
    "": "has get, apply, annotate and delete, not nothing",
    "version": "has get, apply, annotate and delete, not version",
    "wait --for=delete namespace/x": "not wait",
    "get ns -o name --watch": "unknown flag: --watch\nSee 'kubectl get --help' for usage.",
    "get ns -o name -w": "unknown shorthand flag: 'w' in -w",
    "get ns -o": "flag needs an argument: 'o' in -o",
    "get ns --output": "flag needs an argument: --output",
    "get ns --ignore-not-found=maybe -o name": 'invalid argument "maybe" for "--ignore-not-found" flag',
    "get ns": "prints -o name, -o json and -o jsonpath=… only, not tables",
    "get ns -o yaml": "not yaml",
    "get ns -o jsonpath={.a[?]}": "error parsing jsonpath {.a[?]}, invalid array index ?",
    "get ns -o jsonpath={end}": "not in range, nothing to end",
    "get ns -o jsonpath={range.a}{.b}": "error parsing jsonpath",
    "get ns -o jsonpath={.a[0}": "unterminated array",
    "get -o name": "Required resource not specified.",
    "get ns/a/b -o name": "must have a single resource and name",
    "get ns/a -l a=b -o name": "name cannot be provided when a selector is specified",
    "get ns -l a=b=c -o name": "found '=c', expected: ',' or 'end of string'",
    "get ns -l =c -o name": "unable to parse requirement",
    "apply -f -": "applies with --server-side only",
    "apply --server-side": "must specify one of -f and -k",
    "apply --server-side -f - -o json": "as text or with -o name only",
    "apply --server-side -f - --dry-run=client": "has --dry-run=server and none, not client",
    "apply --server-side -f - --dry-run": "not unchanged",
    "apply --server-side -f - x": "Unexpected args: [x]",
    "annotate ns a=b": "annotates objects by name only",
    f"annotate ns {NAME} a=b -o name": "annotates without -o",
    f"delete ns {NAME}": "deletes with --wait=false only",
    f"delete ns {NAME} --wait=false -o name": "deletes by TYPE/NAME",
    "delete ns --wait=false": "no name was specified",
    "delete --raw /api/v1/pods -f x": "takes --raw /api/v1/namespaces/NAME only",
    f"delete --raw /api/v1/namespaces/{NAME} x": "arguments may not be passed when --raw is specified",
}


@pytest.mark.parametrize("line", REFUSED)
def test_what_is_not_implemented_is_refused_in_words(line: str, cluster: Cluster, kubectl: Kubectl) -> None:
    cluster.create_foreign_namespace(NAME)
    before = cluster.every("ns")
    result = kubectl(*line.split(), account="admin", stdin=manifests.namespace("other"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(("error: ", "Error from server"))
    assert REFUSED[line] in result.stderr
    assert cluster.every("ns") == before


def test_a_range_needs_an_end(kubectl: Kubectl) -> None:
    result = kubectl("get", "ns", "-o", "jsonpath={range .items[*]}{.b}", account="admin")
    assert result.stderr == "error: error parsing jsonpath {range .items[*]}{.b}, unclosed range action\n"


def test_kinds_that_are_only_kept_take_no_manifests(cluster: Cluster, kubectl: Kubectl) -> None:
    cluster.create_foreign_namespace(NAME)
    pod = manifests.several(manifests.thing("Pod", "p", spec={}))
    result = kubectl("apply", "--server-side", "-f", "-", stdin=pod, account="admin")
    assert result.stderr == "error: the trial cluster keeps pods but takes no manifests of them\n"


def test_an_account_that_nobody_knows_may_do_nothing(cluster: Cluster, kubectl: Kubectl) -> None:
    cluster.create_foreign_namespace(NAME)
    result = kubectl("get", "ns", NAME, "-o", "name", account="default")
    assert result.stderr == (
        f'Error from server (Forbidden): namespaces "{NAME}" is forbidden: User'
        ' "system:serviceaccount:platform-provisioning:default" cannot get resource "namespaces" in API group ""'
        f' in the namespace "{NAME}"\n'
    )


def test_without_n_the_namespace_is_that_of_the_pods(kubectl: Kubectl) -> None:
    result = kubectl("get", "configmap/x", "-o", "name")
    assert result.stderr == 'Error from server (NotFound): namespaces "platform-provisioning" not found\n'
