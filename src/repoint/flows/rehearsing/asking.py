"""Asks a question of one client: again where only time was short, and never of a dead server."""

from __future__ import annotations

import re
import time

from repoint.flows.rehearsing.stage import Answer, Question, Refused, Stage, plainly, told
from repoint.model.rehearsal import Check, Verdict
from repoint.rehearsal.cast import Client
from repoint.wire.refusals import ConnectionLost

_SLOW_S = 1.0
# How a client, a driver, a pool of one and a listener each tell that nothing came in time.
_TIME = re.compile(
    r"timeout expired|timed out|TimeoutError|query_wait_timeout|the listener gets nothing"
)


def skipped(question: Question, reason: str) -> Check:
    """The check of a question that is not asked."""
    return Check(question.id, Verdict.SKIPPED, question.expected, reason, question.facts)


def asked(stage: Stage, client: Client, question: Question) -> Check:
    """The answer to a question; a server's refusal is one.

    On a machine with other work a server may answer late, which says nothing of the plan. A
    question that failed for want of time is asked again with more of it. Where that is not
    enough either, and PostgreSQL itself is late too, the answer is unknown.

    Raises:
        LabFailed: a server died.
    """
    began = time.monotonic()
    answer = _answer(stage, client, question)
    if _is_late(answer):
        with stage.patient():
            stage.forget(_is_late)
            answer = _answer(stage, client, question)
            if _is_late(answer):
                answer = _weighed(stage, client, answer)
    took = round(time.monotonic() - began, 3)
    return Check(
        question.id, answer.verdict, answer.expected, answer.observed, question.facts, took
    )


def late(stage: Stage, client: Client, answer: Answer) -> Answer:
    """An answer that cannot be asked for again; unknown where time was short on this machine."""
    return _weighed(stage, client, answer) if _is_late(answer) else answer


def _answer(stage: Stage, client: Client, question: Question) -> Answer:
    try:
        answer = question.ask(stage, client)
    except Refused as error:
        answer = Answer(Verdict.FAIL, question.expected, told(error))
    if answer.verdict in (Verdict.FAIL, Verdict.UNKNOWN):
        stage.lab.check()
    return answer


def _is_late(answer: Answer) -> bool:
    return answer.verdict is Verdict.FAIL and _TIME.search(answer.observed) is not None


def _weighed(stage: Stage, client: Client, answer: Answer) -> Answer:
    """Unknown where a plain query to PostgreSQL takes long as well, or is not answered."""
    began = time.monotonic()
    answered = True
    try:
        with stage.talk(client, stage.direct_host(), plainly(client)) as conversation:
            conversation.query("SELECT 1")
    except ConnectionLost:
        answered = False
    except Refused:
        return answer
    took = time.monotonic() - began
    if answered and took < _SLOW_S:
        return answer
    why = f"{answer.observed}; PostgreSQL itself took {took:.1f} s: this machine has other work"
    return Answer(Verdict.UNKNOWN, answer.expected, why)
