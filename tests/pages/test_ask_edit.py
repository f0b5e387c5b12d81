from __future__ import annotations

import pytest

from provisioning import lifecycle
from provisioning.models import AuditEvent, Membership, Phase, Request
from tests.pages.page import fields_of, parse

pytestmark = pytest.mark.django_db


def edit_url(row):
    return f"/requests/{row.pk}/edit/"


def opened(client, row):
    """The form as it comes to a browser."""
    return fields_of(parse(client.get(edit_url(row))).one("form", id="ask"))


@pytest.mark.parametrize(
    ("who", "status"),
    [("alice", 200), ("bob", 403), ("carol", 404), ("dana", 403), ("frank", 403)],
)
def test_the_requester_and_leads_edit_others_are_told_and_strangers_see_nothing(
    request, client_of, open_request, who, status
):
    row = open_request()
    client = client_of(request.getfixturevalue(who))
    assert client.get(edit_url(row)).status_code == status
    assert client.post(edit_url(row) + "preview/", {"tier": "small"}).status_code == status
    sent = client.post(edit_url(row), {"revision": "1", "tier": "medium", "lease_days": "30"})
    assert sent.status_code == (303 if status == 200 else status)
    row.refresh_from_db()
    assert row.revision == (2 if status == 200 else 1)


def test_somebody_who_has_not_signed_in_is_sent_to_sign_in(client, open_request):
    row = open_request()
    for url in (edit_url(row), edit_url(row) + "preview/"):
        response = client.post(url, {"revision": "1"})
        assert response.status_code == 302
        assert response["Location"].startswith("/accounts/login/")


def test_a_lead_edits_what_somebody_else_of_the_team_asked(client_of, open_request, payments, alice, bob):
    row = open_request()
    Membership.objects.filter(user=bob).update(role=Membership.Role.LEAD)
    client = client_of(bob)
    client.post(edit_url(row), opened(client, row) | {"tier": ["medium"]})
    row.refresh_from_db()
    assert (row.tier, row.requester) == ("medium", alice)
    assert AuditEvent.objects.filter(action="request.resubmitted").get().actor == bob
    assert [str(admin) for admin in row.spec.admins] == ["alice@example.com"]


def test_an_edit_is_sent_again_with_all_that_was_asked(client_of, open_request, alice, dana):
    row = open_request(features=("gpu",), options={"gpu_count": "2"}, purpose="Inference\nof cards")
    before = row.asked_spec
    lifecycle.request_changes(row, by=dana, digest=row.digest, comment="One GPU is enough <b>here</b>")
    client = client_of(alice)
    page = parse(client.get(edit_url(row)))
    assert "Dana asked for changes One GPU is enough <b>here</b>" in page.one("div", class_="tone-ask").words
    assert page.one("button", class_="primary").words == "Send again"
    response = client.post(edit_url(row), opened(client, row) | {"option_gpu_count": ["1"]})
    row.refresh_from_db()
    assert (response.status_code, response["Location"]) == (303, f"/requests/{row.pk}/")
    assert (row.phase, row.revision) == (Phase.PENDING, 2)
    assert row.asked_spec == before.replace(options={"gpu_count": "1"})


def test_name_and_team_are_shown_as_fixed_with_the_reason(client_of, open_request, alice):
    page = parse(client_of(alice).get(edit_url(open_request())))
    for field in ("id_name", "id_team"):
        control = page.one(id=field)
        assert "disabled" in control.attrs
        assert "cancel this request and open another" in page.one(id=f"{field}_helptext").words


def test_the_edited_request_is_judged_before_it_is_sent(client_of, open_request, alice):
    row = open_request()
    client = client_of(alice)
    at_first = parse(client.get(edit_url(row))).one(id="preview")
    assert "large tier" in at_first.words
    assert row.digest[:12] in at_first.words
    changed = parse(client.post(edit_url(row) + "preview/", opened(client, row) | {"tier": ["medium"]}))
    assert "large tier" not in changed.one(id="preview").words
    assert "0 + 4 of 32" in changed.one(id="headroom").words
    row.refresh_from_db()
    assert row.revision == 1


def test_who_comes_second_sees_what_changed_and_keeps_what_they_typed(client_of, open_request, alice, payments, bob):
    Membership.objects.filter(user=bob).update(role=Membership.Role.LEAD)
    row = open_request()
    slow = client_of(alice)
    typed = opened(slow, row) | {"purpose": ["My words"], "lease_days": ["30"]}
    lifecycle.resubmit(row, row.asked_spec.replace(tier="medium"), by=bob, revision=1)

    response = slow.post(edit_url(row), typed)
    assert response.status_code == 409
    page = parse(response)
    assert "Bob changed this request while you were editing it." in page.one("div", role="alert").words
    rows = [tr.words for tr in page.one("table", class_="diff").all("tr")[1:]]
    assert rows == [
        "Tier Medium Large",
        "CPU 4 8",
        "Memory 8 Gi 16 Gi",
        "Pods 20 50",
        "Storage 50 Gi 100 Gi",
        "Lease 90 days 30 days",
        "Purpose Card payments My words",
    ]
    kept = fields_of(page.one("form", id="ask"))
    assert (kept["purpose"], kept["lease_days"], kept["revision"]) == (["My words"], ["30"], ["2"])
    row.refresh_from_db()
    assert (row.revision, row.tier, row.asked_spec.purpose) == (2, "medium", "Card payments")

    assert slow.post(edit_url(row), kept).status_code == 303
    row.refresh_from_db()
    assert (row.revision, row.tier, row.asked_spec.purpose) == (3, "large", "My words")


def test_an_edit_of_what_was_decided_meanwhile_is_kept_but_cannot_be_sent(client_of, open_request, alice, dana):
    row = open_request()
    client = client_of(alice)
    typed = opened(client, row) | {"purpose": ["My words"]}
    lifecycle.deny(row, by=dana, digest=row.digest, comment="No")
    response = client.post(edit_url(row), typed)
    assert response.status_code == 409
    page = parse(response)
    assert "Dana changed this request while you were editing it. It is denied now" in page.one(role="alert").words
    button = page.one("button", class_="primary")
    assert "disabled" in button.attrs
    assert "denied now" in page.one(id=button.described_by).words
    assert fields_of(page.one("form", id="ask"))["purpose"] == ["My words"]
    row.refresh_from_db()
    assert row.phase == Phase.DENIED


@pytest.mark.parametrize("revision", ["", "x", "9" * 40, "-1", "0"])
def test_a_revision_that_cannot_be_is_a_conflict(client_of, open_request, alice, revision):
    row = open_request()
    client = client_of(alice)
    response = client.post(edit_url(row), opened(client, row) | {"revision": [revision]})
    assert response.status_code == 409
    assert Request.objects.get().revision == 1


def test_what_can_no_longer_be_changed_leads_to_its_page_with_the_reason(client_of, open_request, alice, dana):
    row = open_request()
    lifecycle.approve(row, by=dana, digest=row.digest)
    client = client_of(alice)
    response = client.get(edit_url(row))
    assert (response.status_code, response["Location"]) == (303, f"/requests/{row.pk}/")
    assert "payments-prod is approved: it can't be changed now." in parse(client.get("/")).one(id="toasts").words


def test_errors_of_an_edit_stand_at_their_fields(client_of, open_request, alice):
    row = open_request()
    client = client_of(alice)
    response = client.post(edit_url(row), opened(client, row) | {"editors": ["system:nodes"]})
    assert response.status_code == 422
    assert "“system:nodes” cannot get access" in parse(response).one(id="id_editors_error").words
    checked = client.post(edit_url(row), opened(client, row) | {"editors": ["system:nodes"], "check": ["1"]})
    assert checked.status_code == 200
    assert Request.objects.get().revision == 1
