"""What is known here beside the built-in tables: by the repository, and by installed packages."""

from __future__ import annotations

from repoint.errors import ConfigError, FileRefused
from repoint.model.knowledge import Knowledge, joined
from repoint.planning.config import CONFIG_NAME, Config
from repoint.planning.knowledge import digest_of, knowledge_in, made_of
from repoint.ports.repository import Tree


def known_here(config: Config | None, tree: Tree, elsewhere: Knowledge) -> Knowledge:
    """All that was added: by repoint.yaml, by the files that it names, then `elsewhere`.

    Args:
        config: The configuration; None where there is none.
        tree: The repository.
        elsewhere: What installed packages or a caller bring; its digest becomes the mark.

    Raises:
        ConfigError: an entry is wrong, or a file cannot be read.
    """
    parts = []
    if config is not None:
        parts.append(made_of(config.knowledge, CONFIG_NAME))
        for path in config.knowledge.files:
            try:
                text = tree.read(path).decode(errors="replace")
            except FileRefused as error:
                why = f"`{CONFIG_NAME}`: `knowledge.files`: {error.message}"
                raise ConfigError(why, hint=error.hints) from None
            parts.append(knowledge_in(text, path))
    return joined((*parts, elsewhere), digest_of(elsewhere))
