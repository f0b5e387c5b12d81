from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from provisioning.argo import Refused
from provisioning.reconcile.context import Context
from provisioning.reconcile.copier import Copier
from provisioning.reconcile.integration import IntegrationTest
from provisioning.trial.server import Account


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def check(connect, said, clock):
    """Run the test against that server; whether it was good."""

    def run(argo, client=None, **settings) -> bool:
        context = Context(client or connect(argo, **settings), "check", Copier(0, cap_bytes=0), 10.0, now=clock)
        seconds = iter(range(10_000))
        test = IntegrationTest(
            context, said.append, timeout_seconds=300, clock=lambda: float(next(seconds)), sleep=lambda _: None
        )
        return test.run()

    return run


def test_against_an_argo_that_is_well_it_says_what_the_founding_document_says(trial, said, capsys, settings):
    settings.ARGO_WORKFLOWS_URL, settings.ARGO_TOKEN, settings.ARGO_TOKEN_FILE = trial.server.url, trial.token, ""
    call_command("argo_check", timeout=60)
    lines = capsys.readouterr().out.splitlines()
    order = [
        "🧪 Testing Argo Workflows Integration for Platform API",
        "1️⃣ Testing Argo Workflows Health Check...",
        "✅ Health Check: v4.1.2+trial",
        "2️⃣ Testing Workflow Listing...",
        "✅ Found 0 workflows",
        "3️⃣ Testing Workflow Submission Capability...",
        "✅ Workflow submission successful: platform-api-test-",
        "4️⃣ Testing Workflow Status Retrieval...",
        "✅ Workflow Status: Succeeded",
        "5️⃣ Testing Log Retrieval...",
        "   Platform API can submit workflows!",
        "✅ Template namespace-provisioning: It is there, as shipped.",
        "🎉 SUCCESS: Argo Workflows is ready for Platform API integration!",
    ]
    found = [next(number for number, line in enumerate(lines) if line.startswith(text)) for text in order]
    assert found == sorted(found)


def test_the_workflows_that_are_there_are_listed_with_their_phases(still, check, said):
    for name, phase in (("hello-world-h29lr", "Running"), ("test-workflow-2gck7", "Failed")):
        still.store.create("workflows", {"metadata": {"name": name, "namespace": "argo"}, "spec": {}, "status": {}})
        still.status(name, phase=phase)
    check(still)
    assert {"   - hello-world-h29lr: Running", "   - test-workflow-2gck7: Failed"} <= set(said)


def test_a_run_that_no_controller_looks_at_is_a_cause_with_a_remedy(still, check, said):
    assert check(still) is False
    assert said[-2].startswith("❌ No controller looked at platform-api-test-")
    assert "workflow controller" in said[-1]


def test_without_a_connection_the_command_ends_with_code_1(still, capsys, settings):
    still.server.stop()
    settings.ARGO_WORKFLOWS_URL, settings.ARGO_TOKEN, settings.ARGO_TOKEN_FILE = still.server.url, "t", ""
    with pytest.raises(SystemExit) as ended:
        call_command("argo_check")
    assert ended.value.code == 1
    out = capsys.readouterr().out
    assert "❌ Nothing listens at" in out
    assert "   → Check ARGO_WORKFLOWS_URL" in out


def test_a_refused_token_is_told(still, check, said):
    assert check(still, token="nonsense") is False
    assert said[-2].startswith("❌ The cluster refused the token")


def test_missing_rights_name_the_right_and_think_of_the_namespace(still, check, said):
    still.token = still.accounts.add(Account("none", "argo", frozenset()))
    assert check(still) is False
    assert "may not list workflows" in said[-2]
    assert "ARGO_NAMESPACE" in said[-1]


def test_an_address_that_cannot_be_used_is_told_before_anything_is_tried(settings):
    settings.ARGO_WORKFLOWS_URL = "http://user:password@argo:2746"
    with pytest.raises(CommandError, match="must not hold a user or password"):
        call_command("argo_check")


def test_missing_templates_are_named_though_the_run_was_good(trial, check, said):
    trial.store.delete("workflowtemplates", "argo", "namespace-update")
    assert check(trial) is False
    assert "❌ 1 of these are missing or wrong: Template namespace-update." in said


class OnlyTemplates:
    """The trial's client before an admission policy that lets the portal start its own templates only."""

    def __init__(self, client) -> None:
        self._client = client

    def __getattr__(self, name):
        return getattr(self._client, name)

    def submit_workflow(self, workflow, **how):
        if "workflowTemplateRef" not in workflow["spec"]:
            raise Refused("An admission policy of the cluster refused to submit a workflow: not a template", status=400)
        return self._client.submit_workflow(workflow, **how)


def test_where_only_the_portals_templates_may_run_one_of_them_is_run(trial, check, said, connect):
    check(trial, client=OnlyTemplates(connect(trial)))
    assert any(line.startswith("i  That is as it should be") for line in said)
    assert any(line.startswith("✅ Workflow submission successful: audit-namespace-") for line in said)
    assert "✅ Workflow Status: Succeeded" in said
