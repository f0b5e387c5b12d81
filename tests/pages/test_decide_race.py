from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections

from provisioning.models import Decision, Phase, Request, Run
from tests.pages.page import parse

REQUESTS = 6


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_at_once_one_decides_and_the_other_is_told(client_of, dana, erin, open_request):
    rows = [open_request(name=f"payments-{number}") for number in range(REQUESTS)]
    start = Barrier(2)

    def decide(who, decision):
        client = client_of(who)
        try:
            answers = []
            for row in rows:
                start.wait(30)
                data = {"decision": decision, "digest": row.digest, "comment": "Because"}
                answers.append(client.post(f"/requests/{row.pk}/decide/", data))
            return answers
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        tasks = [pool.submit(decide, dana, "approve"), pool.submit(decide, erin, "deny")]
        both = list(zip(*(task.result() for task in tasks), strict=True))

    for row, answers in zip(rows, both, strict=True):
        assert sorted(answer.status_code for answer in answers) == [303, 409]
        taken = Decision.objects.get(request=row)
        late = next(answer for answer in answers if answer.status_code == 409)
        told = f"Already decided: {taken.get_answer_display().lower()} by {taken.by.display_name}."
        assert told in parse(late).one("div", role="alert").words
    assert set(Request.objects.values_list("phase", flat=True)) <= {Phase.APPROVED, Phase.DENIED}
    assert Run.objects.count() == Request.objects.filter(phase=Phase.APPROVED).count()
