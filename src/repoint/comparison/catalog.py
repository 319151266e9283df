"""Every family that is compared, in the order in which it is told."""

from __future__ import annotations

from repoint.comparison import programs, relations, rights

FAMILIES = (
    rights.DATABASE,
    programs.EXTENSIONS,
    relations.SCHEMAS,
    programs.TYPES,
    relations.TABLES,
    relations.COLUMNS,
    relations.CONSTRAINTS,
    relations.INDEXES,
    relations.SEQUENCES,
    relations.VIEWS,
    programs.FUNCTIONS,
    programs.TRIGGERS,
    programs.RULES,
    programs.POLICIES,
    programs.OTHERS,
    rights.LARGE_OBJECTS,
    rights.OWNERS,
    rights.GRANTS,
    rights.ROLES,
    rights.MEMBERSHIPS,
    rights.ROLE_SETTINGS,
    programs.PUBLICATIONS,
    relations.COMMENTS,
)
