"""What an object of one environment shall hold, and why."""

from __future__ import annotations

from dataclasses import dataclass, field

from repoint.kube.resource import Resource
from repoint.model.plan import Applicability, Edit, Op, PartEdit
from repoint.planning.new_patches import sources_of
from repoint.planning.places import Step, object_name
from repoint.planning.yaml_emit import Tree
from repoint.planning.yaml_trees import merge_trees, tree_at


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an edit is made: the rule, the sentence, and who asked for it."""

    rule: str
    text: str
    consumers: tuple[str, ...] = ()
    applicability: Applicability = Applicability.SAFE


@dataclass(slots=True)
class Wish:
    """What one object of the environment shall hold.

    `tree` is the patch's body without its head; `parts` are the token replacements in
    it, for the proof; `expects` the fields that appear. `operations` are a JSON patch, for what
    no tree reaches; `over` the files that spell what is overridden: a patch goes behind them.
    """

    resource: Resource
    tree: dict[str, Tree] = field(default_factory=dict)
    operations: list[Tree] = field(default_factory=list)
    over: set[str] = field(default_factory=set)
    parts: list[PartEdit] = field(default_factory=list)
    expects: list[str] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)

    def put(self, steps: tuple[Step, ...], value: Tree) -> None:
        """Have the object hold `value` where `steps` lead."""
        merge_trees(self.tree, tree_at(steps, value))
        self.over |= sources_of(self.resource, steps)


def edit_of(wish: Wish) -> Edit:
    """The edit that tells of a wish; where it is written is left open."""
    reasons = wish.reasons or [Reason("RP110", "moves to the new server")]
    weakest = (
        Applicability.REVIEW
        if any(r.applicability is Applicability.REVIEW for r in reasons)
        else Applicability.SAFE
    )
    return Edit(
        op=Op.SPLICE,
        pointer="",
        line=0,
        key=f"{wish.resource.kind}/{wish.resource.name}",
        rule=reasons[0].rule,
        reason="; ".join(dict.fromkeys(reason.text for reason in reasons)),
        applicability=weakest,
        parts=tuple(dict.fromkeys(wish.parts)),
        consumers=tuple(dict.fromkeys(c for reason in reasons for c in reason.consumers)),
        expects=tuple(dict.fromkeys(wish.expects)),
        touches=(object_name(wish.resource),),
    )
