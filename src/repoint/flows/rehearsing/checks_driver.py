"""The check that asks an installed driver itself, beside the client that behaves as it does."""

from __future__ import annotations

from repoint.flows.rehearsing.stage import Answer, Question, Stage, asking, passed
from repoint.model.rehearsal import Verdict
from repoint.rehearsal.cast import Client


def real_driver(stage: Stage, client: Client) -> Answer:
    """The driver itself connects with the consumer's string, and sees the consumer's schema."""
    wanted, _ = stage.wanted_path(client)
    expected = f"{client.driver} itself connects and sees {wanted}"
    if stage.observe is None or client.connection is None:
        return Answer(Verdict.SKIPPED, expected, "no real driver was asked")
    seen = stage.observe(
        client.connection,
        asking(client),
        stage.lab.address(client.server),
        client.server,
        ca_file=stage.lab.ca_file,
        timeout_s=stage.patience_s,
    )
    if seen.status == "skipped":
        return Answer(Verdict.SKIPPED, expected, seen.text)
    who = f"{seen.driver} {seen.version}".strip()
    if seen.status == "refused":
        return Answer(Verdict.FAIL, expected, f"{who}: {seen.text}")
    return passed(expected, f"{who} sees {seen.schema}", seen.schema == wanted)


QUESTIONS: tuple[Question, ...] = (
    Question(
        "real-driver",
        ("SP1", "TL1", "X16"),
        "the driver itself connects",
        real_driver,
        lambda client: "a wait loop asks no more than this" if client.purpose == "probe" else "",
    ),
)
