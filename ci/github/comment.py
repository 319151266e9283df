#!/usr/bin/env python3
"""Keeps one comment on a pull request: updates the one with the same marker, else writes it.

    comment.py [--create] NUMBER FILE

The first line of FILE is the marker that every `repoint ... --format markdown` begins with. Only a
comment of a bot is updated: whoever copies the marker into a comment of their own changes nothing.
Without --create a comment is updated, and none is begun. A token that may not write (as in a pull
request from a fork) is told of and is no failure. The environment holds TOKEN, GITHUB_API_URL,
GITHUB_REPOSITORY and GITHUB_SERVER_URL, GITHUB_RUN_ID. Python's own library is enough for it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

MOST = 65_536
"""Characters of a comment on GitHub."""
_PAGE = 100


def main(arguments: list[str]) -> int:
    """Write or update the comment; 1 when GitHub refuses for another reason than rights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--create", action="store_true", help="begin a comment where there is none")
    parser.add_argument("number", type=int, help="of the pull request")
    parser.add_argument("file", type=Path, help="what to write")
    given = parser.parse_args(arguments)
    body = given.file.read_text(encoding="utf-8")
    marker = body.partition("\n")[0]
    if not marker.startswith("<!-- repoint: "):
        print(f"error: `{given.file}` begins with no marker", file=sys.stderr)
        return 1
    body = with_footer(body)
    issues = f"repos/{os.environ['GITHUB_REPOSITORY']}/issues"
    try:
        known = find(f"{issues}/{given.number}/comments", marker)
        if known is not None:
            ask("PATCH", f"{issues}/comments/{known}", {"body": body})
            print(f"updated comment {known}")
        elif given.create:
            ask("POST", f"{issues}/{given.number}/comments", {"body": body})
            print("wrote a comment")
        else:
            print("nothing to tell, and no comment to update")
    except urllib.error.HTTPError as error:
        if error.code in (401, 403, 404):
            print(f"::notice title=repoint::the token may not comment here ({error.code})")
            return 0
        print(f"error: GitHub answered {error.code} to the comment", file=sys.stderr)
        return 1
    return 0


def with_footer(body: str) -> str:
    """The comment with a link to the run, where that fits."""
    run = os.environ.get("GITHUB_RUN_ID", "")
    if not run.isdigit():
        return body
    server, repository = os.environ["GITHUB_SERVER_URL"], os.environ["GITHUB_REPOSITORY"]
    longer = f"{body}\n<sub>[run {run}]({server}/{repository}/actions/runs/{run})</sub>\n"
    return longer if len(longer) <= MOST else body


def find(comments: str, marker: str) -> int | None:
    """The number of the bot's comment with this marker."""
    page = 1
    while True:
        found = ask("GET", f"{comments}?per_page={_PAGE}&page={page}")
        for one in found:
            first = str(one["body"]).replace("\r", "").partition("\n")[0]
            if first == marker and one["user"]["type"] == "Bot":
                return int(one["id"])
        if len(found) < _PAGE:
            return None
        page += 1


def ask(method: str, path: str, document: dict[str, str] | None = None) -> Any:
    """What GitHub's API answers.

    Raises:
        urllib.error.HTTPError: it refuses.
    """
    request = urllib.request.Request(
        f"{os.environ['GITHUB_API_URL']}/{path}",
        data=json.dumps(document).encode() if document is not None else None,
        method=method,
        headers={
            "Authorization": f"Bearer {os.environ['TOKEN']}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
