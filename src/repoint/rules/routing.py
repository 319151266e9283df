"""RP1xx: purposes, shared values and leftovers of the source."""

from __future__ import annotations

from repoint.model.plan import Severity
from repoint.rules.rule import Rule

PURPOSE_UNKNOWN = Rule(
    "RP101",
    Severity.ERROR,
    "nothing tells what a consumer wants from PostgreSQL",
    "A migration, backup or replication client behind a pooler breaks or corrupts; a runtime that "
    "goes direct only loses the pool. When kind, hooks, image and command do not tell which one it "
    "is, repoint does not guess.",
    "set `purpose` (or `route`) of this consumer under `consumers:` in repoint.yaml",
    ("P2", "P3"),
)
SHARED_VALUE = Rule(
    "RP102",
    Severity.WARNING,
    "one value feeds a runtime and a migration",
    "Repointing the value moves the migration into the pool with the runtime. The runtime keeps "
    "the "
    "value's name and gets the pooled host; the migration reads a second value with the direct "
    "host, "
    "under the environment variable it always had.",
    "review the second key that the plan adds; nothing else is needed",
    ("P2", "X7"),
)
MIGRATES_AND_SERVES = Rule(
    "RP103",
    Severity.WARNING,
    "one container migrates the schema and serves",
    "The same connection string runs DDL at start and queries afterwards. Sent through a pool the "
    "DDL "
    "may lose its session lock, so the container goes direct until the two are apart.",
    "give the migration a Job or an init container of its own with the direct host, then set "
    "`route: pooled` for the consumer",
    ("P2", "MG1", "MG5-MG11"),
)
NO_CONSUMER = Rule(
    "RP104",
    Severity.WARNING,
    "a value names the source and no workload reads it",
    "No workload in the environment references this value, so nothing tells whether it belongs to "
    "a "
    "runtime or to a migration, and nothing proves that it is still used.",
    "name its purpose under `consumers:` by the file's path, remove it, or list the path under "
    "`exclude:`",
    ("C1", "X12"),
)
NEIGHBOURS_SERVER = Rule(
    "RP105",
    Severity.WARNING,
    "a consumer talks to another environment's server",
    "Its host is in the namespace of another environment, or the only server that one has, so that "
    "it reads and writes that one's data. After the move it talks to its own environment's "
    "Cluster: another database, which may not have what it needs.",
    "make sure that its own Cluster has that data, or keep the consumer where it is with "
    "`route: unchanged`",
    ("X6", "C1"),
)
TURNED = Rule(
    "RP106",
    Severity.WARNING,
    "a consumer goes another way than repoint.yaml says",
    "It reaches the target already, by the Pooler where repoint.yaml names the direct route or a "
    "purpose that needs it, or the other way round: the route was changed after the move, or the "
    "manifest was. Or it goes as repoint.yaml said when it was applied, and repoint.yaml says so "
    "no more. Until a plan moves it, file and configuration tell two stories.",
    "run `repoint plan` and apply it, or name the route that it has under `consumers:`",
    ("P2", "P3"),
)
FORMER_TARGET = Rule(
    "RP107",
    Severity.ERROR,
    "a value that repoint wrote names another target than repoint.yaml",
    "`target`, or the environment's `namespace`, was changed after the move. What apply wrote "
    "before names neither the source nor today's target: its readers stay behind, in another "
    "pool or on another Cluster.",
    "run `repoint plan` and apply it, or take the change of repoint.yaml back",
    ("C1", "X3", "X17"),
)
CHOICE_OF_NOBODY = Rule(
    "RP108",
    Severity.WARNING,
    "repoint.yaml speaks of a consumer, a code or an environment that is not there",
    "No workload, release, container or file has this name, so that what stands under it holds for "
    "nobody: the consumer that was meant is judged by the evidence alone. An acceptance of a code "
    "or an environment that does not exist accepts nothing.",
    "write the name as `repoint scan` shows it: `name`, `Kind/name` or a file's path",
    ("P2", "P3"),
)
CHANGED_SINCE = Rule(
    "RP109",
    Severity.WARNING,
    "a value that repoint wrote was changed since",
    "Somebody changed it, and no plan touches it: it names neither the source nor what "
    "repoint.yaml asks for, or it stands otherwise than it was written. `repoint rollback` will "
    "not guess at it.",
    "put it back as apply wrote it (`git log -p` of the file), or accept this with the reason why "
    "it is right",
    ("C1",),
)
NAMES_SOURCE = Rule(
    "RP110",
    Severity.ERROR,
    "a consumer names the source",
    "After the move nobody may talk to the old server: what still does fails when it goes, or "
    "writes "
    "where nobody reads.",
    "run `repoint plan` and apply it, or list the path under `exclude:` when it is meant",
    ("C1", "C2", "C3", "C4", "X6", "X12"),
)
UNSEEN_PATH = Rule(
    "RP111",
    Severity.ERROR,
    "a built object names the source by a way that cannot be edited",
    "The host reaches the object through something that repoint reads but cannot trace to one "
    "place, such as a kustomize replacement from a field with a neutral name, or it belongs to "
    "objects outside every environment of repoint.yaml. Left alone, it keeps talking to the old "
    "server. A field of a custom resource that names the source, and that nothing tells to be a "
    "connection, is a warning; a note where the kind only leads to a server, as a route does.",
    "change it by hand, then plan again; or accept it with a reason",
    ("C1", "X12", "X14"),
)
NOT_BUILT = Rule(
    "RP112",
    Severity.ERROR,
    "a planned change shows in no build",
    "The plan writes it, and kustomize builds the object as it was: the patch is not brought to "
    "it, or another one comes after it. The consumer would stay where it is, though the plan says "
    "that it moves.",
    "look which overlay builds the object, and list it first under the environment's `overlay`; or "
    "change the object by hand and plan again",
    ("C1", "X6"),
)
SOURCE_OF_NOBODY = Rule(
    "RP113",
    Severity.WARNING,
    "nobody names the source, and somebody a server of nearly that name",
    "No value names a host of `source.hosts`, and none the target: nothing was moved, and nothing "
    "will be. One wrong letter there empties every plan and lets every check pass.",
    "write `source.hosts` as `repoint scan` shows the hosts",
    ("C1", "X12"),
)
MIGRATION_POOLED = Rule(
    "RP120",
    Severity.ERROR,
    "a migration goes through a pool",
    "Migration tools hold session locks and change result types. Through a pooler the lock is "
    "lost or "
    "stranded on a server connection, and prepared statements fail until the pool is recycled.",
    "send it to `<cluster>-rw`; `repoint plan` writes the edit",
    ("P2", "MG1", "MG5-MG11", "PS4"),
)
SOURCE_GONE = Rule(
    "RP130",
    Severity.WARNING,
    "the old server is not part of the environment any more",
    "A rollback would point consumers at a Service that the render does not contain: there is "
    "nothing "
    "to go back to.",
    "keep the old Service and its data until the new one has proved itself, and remove them in a "
    "later change",
    ("R", "X9"),
)
PRINTS_DSN = Rule(
    "RP131",
    Severity.WARNING,
    "a script prints a connection string",
    "A connection string carries the password; printed, it ends in terminals and CI logs.",
    "print host and database only, or mask the user info",
    ("X12",),
)
LOCAL_DEVELOPMENT = Rule(
    "RP140",
    Severity.NOTE,
    "local development gets a way to the new cluster",
    "A developer's own tools (an Atlas environment, Makefile targets) are added to, never "
    "replaced: "
    "the old environment stays, and a second one goes direct to the Cluster.",
    "review the added environment and targets; nothing else is needed",
    ("P4", "4.1", "4.2"),
)
RULES = (
    PURPOSE_UNKNOWN,
    SHARED_VALUE,
    MIGRATES_AND_SERVES,
    NO_CONSUMER,
    NEIGHBOURS_SERVER,
    TURNED,
    FORMER_TARGET,
    CHOICE_OF_NOBODY,
    CHANGED_SINCE,
    NAMES_SOURCE,
    UNSEEN_PATH,
    NOT_BUILT,
    SOURCE_OF_NOBODY,
    MIGRATION_POOLED,
    SOURCE_GONE,
    PRINTS_DSN,
    LOCAL_DEVELOPMENT,
)
