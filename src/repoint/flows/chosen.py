"""What repoint.yaml said of consumers when an environment was applied, kept in its receipt.

A route that is taken out of repoint.yaml afterwards would else leave no trace: the value that
apply wrote looks like one that a person chose.
"""

from __future__ import annotations

from collections.abc import Mapping

from repoint.flows.receipts import receipt_of
from repoint.model.receipt import Chosen
from repoint.planning.config import ConsumerChoice, load_config
from repoint.ports.repository import Tree


def chosen_in(config_text: str | None) -> tuple[Chosen, ...]:
    """The ways that repoint.yaml names, for a receipt; none without its text."""
    config = load_config(config_text) if config_text else None
    return tuple(
        Chosen(name, one.route, one.purpose)
        for name, one in (config.consumers.items() if config is not None else ())
        if one.route or one.purpose
    )


def said_then(tree: Tree, environment: str) -> Mapping[str, ConsumerChoice]:
    """What repoint.yaml said of consumers at the last apply of an environment.

    Words that are known no more are left out: a receipt may be of another version.
    """
    receipt = receipt_of(tree, environment)
    return {
        one.consumer: made
        for one in (receipt.chosen if receipt is not None else ())
        if (made := _choice(one)) is not None
    }


def _choice(one: Chosen) -> ConsumerChoice | None:
    import msgspec

    try:
        return msgspec.convert({"route": one.route, "purpose": one.purpose}, ConsumerChoice)
    except msgspec.ValidationError:
        return None
