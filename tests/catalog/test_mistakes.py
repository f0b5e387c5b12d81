"""Each mistake in the file is answered with its line and what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning import catalog
from provisioning.catalog import CatalogError

TEXT = catalog.DEFAULT_PATH.read_text()

# What stands in the file, what somebody makes of it, the line with the mistake (its text), part of message, of remedy.
MISTAKES = [
    ('      requests.cpu: "2"', '      request.cpu: "2"', "request.cpu", "unknown key", "requests.cpu"),
    ('      pods: "10"', "      pods: ten", "pods: ten", "not a quantity", "4Gi"),
    ('      pods: "10"', '      pods: "-1"', 'pods: "-1"', "less than zero", "0"),
    ('      pods: "10"', '      pods: "11"', "default: {cpu: 200m", "11 pods with cpu 200m", "Only 10 would start"),
    ("request: {cpu: 100m", "request: {cpu: 300m", "request: {cpu: 300m", "above its limit 200m", "Lower it"),
    ("      limits.memory: 4Gi", "      limits.memory: 3Gi", "default: {cpu", "don't fit", "Only 8 would start"),
    ("    volume_max: 10Gi", "    volume_max: yes", "volume_max: yes", "quantity", "Write it"),
    ("    title: Small\n", "", "small:", "“title” is missing", "Add a line"),
    ("    title: Small\n", "    title: Small\n    title: Tiny\n", "title: Tiny", "written twice", "Remove one"),
    ("    title: Small\n", "    title: 7\n", "title: 7", "must be text", '"7"'),
    ("  small:\n", "  sm all:\n", "sm all", "no good key", "letters"),
    ("    gate: true\n    opens", "    gate: maybe\n    opens", "gate: maybe", "true or false", "without quotes"),
    ("<cluster.ingress_namespace>", "<cluster.ingres_namespace>", "<cluster.ingres", "not known", "ingress_namespace"),
    ("<options.gpu_count>", "<options.cost_center>", "<options.cost_center>", "not known", "options.gpu_count"),
    ("<cluster.kube_api_cidr>", "x<cluster.kube_api_cidr>", "x<cluster", "no placeholder", "the whole value"),
    ("labels: <cluster.mesh_labels>", "labels: <cluster.mesh_port>", "labels: <cluster.mesh_port>", "no mapping", "mesh_labels"),
    ("labels: {platform.io/backup: daily}", "labels: {platform.io/team: x}", "platform.io/team", "portal itself", "another"),
    ("labels: {platform.io/backup: daily}", "labels: {platform.io/backup: 'a b'}", "'a b'", "no label value", "letters"),
    ("labels: {platform.io/backup: daily}", "labels: {-x: daily}", "-x: daily", "no name", "letters"),
    ("enforce: restricted}", "enforce: privileged}", "privileged", "policies allow", "Use one"),
    ("metadata: {name: allow-kube-api}", "metadata: {name: allow-monitoring}", "kube-api:", "also made by monitoring", "another name"),
    ("        kind: NetworkPolicy\n        metadata: {name: allow-kube-api}", "        kind: Secret\n        metadata: {name: allow-kube-api}", "kind: Secret", "not known", "NetworkPolicy"),
    ("        kind: integer\n        required", "        kind: number\n        required", "kind: number", "not known", "integer"),
    ('        default: "30"', '        default: "400"', 'default: "400"', "1 to 365", "default"),
    ("    opens: in from Prometheus", "    opens: Prometheus", "opens: Prometheus", "no direction", "in "),
    ("  backup:\n    title", "  gated:\n    title", "  gated:", "no good key", "gated"),
    ("when: {kind: delete}", "when: {knd: delete}", "knd", "unknown key", "kind"),
    ("when: {kind: delete}", "when: {}", "when: {}", "no condition", "Give one of"),
    ("when: {kind: delete}", "when: {kind: remove}", "kind: remove", "not known", "create"),
    ("tier: large}", "tier: larg}", "tier: larg", "not known", "large"),
    ("features: gated}", "features: gatd}", "features: gatd", "not known", "gated"),
    ("environment: prod}", "environment: production}", "environment: production", "not known", "prod"),
    ("headroom: outside}", "headroom: over}", "headroom: over", "not known", "outside"),
    ("role: [lead, platform-admin]", "role: [leader, platform-admin]", "role: [leader", "not known", "lead"),
    ("renewals_over: 3", "renewals_over: -1", "renewals_over: -1", "0 or more", "digits"),
    ("when: {kind: delete}\n      result: approve", "when: {kind: delete}\n      result: auto", "result: auto", "nothing is deleted by a rule", "approve or two"),
    ("lease_over: 180", "lease_over: long", "lease_over: long", "whole number", "digits"),
    ("    - key: large-tier", "    - key: deletion", "key: deletion", "a rule deletion before it", "another key"),
    ("      reason: large tier", "      reason: large {tiers}", "{tiers}", "cannot be filled", "{tier}"),
    ("      reason: large tier", '      reason: "{tier.cpu}"', "{tier.cpu}", "", "tier"),
    ("      reason: large tier", '      reason: "{0}"', "{0}", "cannot be filled", "{tier}"),
    ("      reason: large tier", '      reason: ""', 'reason: ""', "is empty", "why"),
    ("    result: approve\n    reason: no rule", "    result: auto\n    reason: no rule", "result: auto", "not known", "approve"),
    ("  max_days: 365", "  max_days: 60", "max_days: 60", "less than", "Raise"),
    ("  choices: [30, 90, 180, 365]", "  choices: []", "choices: []", "is empty", "[30, 90]"),
    ("  choices: [30, 90, 180, 365]", "  choices: 30", "choices: 30", "must be a list", "[a, b]"),
    ("  default_days: 90", '  default_days: "90"', "default_days", "whole number", "without quotes"),
    ("allowance: {namespaces: 6", "allowance: {namespaces: -6", "namespaces: -6", "0 or more", "digits"),
    ('  pattern: ""', '  pattern: "{squad}-*"', "squad", "no pattern", "{team}"),
    ('patterns: ["*-dev", ', 'patterns: ["*_dev", ', "*_dev", "no pattern", "*-dev"),
    ("  dns_port: 53 ", "  dns_port: 70000 ", "70000", "no port", "65535"),
    ("  dns_labels: {k8s-app: kube-dns}", "  dns_labels: {k8s-app: 'kube dns'}", "kube dns", "no label", "letters"),
    ("kube_api_cidr: 192.168.49.2/32", "kube_api_cidr: 192.168.49.2/99", "192.168.49.2/99", "address range", "/32"),
    ("        cidr: 0.0.0.0/0", "        cidr: everywhere", "everywhere", "address range", "/32"),
    ("  namespace: platform-provisioning", '  namespace: "a|b"', "a|b", "is not a name", "scripts"),
    ("kubectl_image: docker.io", "kubectl_image: ' docker io", "kubectl_image", "", ""),
    ("    argo-*: names of Argo", "    'a)b': names of Argo", "a)b", "no name", "beginning*"),
    ("system:masters, ", "\"it's\", ", "it's", "is not the name of a group", "scripts"),
    ("  viewer_role: namespace-viewer", "  viewer_role: namespace-editor", "viewer_role", "must differ", "own ClusterRole"),
    ("  mesh_port: 15012\n", "", "cluster:", "“mesh_port” is missing", "Add a line"),
    ("lease:\n  default_days: 90\n", "lease:\n\tdefault_days: 90\n", "\tdefault_days", "no YAML", "indentation"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "at", "message", "remedy"), MISTAKES, ids=[m[1][:40] for m in MISTAKES])
def test_a_mistake_names_its_line_and_the_remedy(old: str, new: str, at: str, message: str, remedy: str) -> None:
    assert old in TEXT
    text = TEXT.replace(old, new, 1)
    with pytest.raises(CatalogError) as caught:
        catalog.parse(text)
    error = caught.value
    assert at in text.splitlines()[error.line - 1]
    assert message in error.message
    assert remedy in error.remedy
    assert str(error).startswith(f"catalog.yaml, line {error.line}: ")


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n", "tiers: {}\n", "just words\n", "\x00", "a: &x [*x]\nb"])
def test_a_file_that_is_no_catalogue_is_refused(text: str) -> None:
    with pytest.raises(CatalogError):
        catalog.parse(text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="cannot be read"):
        catalog.load(tmp_path / "none.yaml")


def test_a_file_that_is_no_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"\xe4")
    with pytest.raises(CatalogError, match="cannot be read"):
        catalog.load(path)
