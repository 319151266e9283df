"""What the rules are told of a consumer's connection."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.planning.small_repository import Trial, repository, workload

WEB = workload(
    "Deployment",
    "web",
    """
    containers:
      - {name: web, image: acme/web, volumeMounts: [{name: c, mountPath: /config}]}
    volumes:
      - {name: c, configMap: {name: web}}
    """,
)
URL = "postgres:5432/shop?user=shop&currentSchema=tt"


@pytest.mark.parametrize(
    ("file", "text", "tracked"),
    [
        ("application.properties", f"spring.datasource.url=jdbc:postgresql://{URL}", True),
        (
            "application.yaml",
            f"spring: {{datasource: {{url: 'jdbc:postgresql://{URL}'}}}}",
            True,
        ),
        ("application.properties", f"url=jdbc:postgresql://{URL[:-17]}", False),
    ],
)
def test_a_jdbc_url_in_a_settings_file_is_read_by_pgjdbc(
    tmp_path: Path, file: str, text: str, tracked: bool
) -> None:
    """It sends `currentSchema` as search_path, which PgBouncer refuses unless it tracks it."""
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n"
    settings = f"{head}  {file}: |\n    {text}\n"
    files = repository({"web.yaml": WEB, "settings.yaml": settings}, {})

    plan = Trial(tmp_path, files).plan("dev")

    written = "".join(edit.after for change in plan.changes for edit in change.edits)
    assert ('track_extra_parameters: "IntervalStyle,search_path"' in written) is tracked
