"""The probe's script, by real shells and psql on real servers; the password stays where it is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from repoint.adapters import servers
from repoint.model.sensitive import Sensitive
from repoint.verification.identity import kind_of
from repoint.verification.probe_job import Answers, answers_in
from repoint.verification.probe_script import QUESTIONS, SCRIPT
from tests.servers.fix_lab import Pool, PoolerFactory

pytestmark = pytest.mark.servers

PASSWORD = "p@s:s/w%r?d#&=+ \"'\\é"
SHELLS = [one for one in ("sh", "bash", "dash", "busybox") if shutil.which(one)]


@pytest.fixture
def pool(pooler: PoolerFactory) -> Iterator[Pool]:
    made = pooler(mode="session")
    quoted = PASSWORD.replace("'", "''")
    made.ground.sql(
        f"SET standard_conforming_strings = on; ALTER ROLE {made.ground.owner} PASSWORD '{quoted}'"
    )
    yield made


def asked(pool: Pool, shell: str = "sh", **variables: str) -> str:
    psql = servers.find_psql()
    if psql is None:
        pytest.skip("psql is not here")
    ground = pool.ground
    address, port = ground.lab.address(pool.host)
    direct = ":".join(map(str, ground.lab.address(ground.direct.host)))
    login = f"{ground.owner}:{quote(PASSWORD, safe='')}"
    environment = {
        "PATH": f"{psql.path.parent}:/usr/bin:/bin",
        "HOME": "/nonexistent",
        "REPOINT_URL": f"postgres://{login}@{address}:{port}/{ground.database}",
        "REPOINT_TIMEOUT": "5",
        "REPOINT_RUN": "repoint-test",
        "REPOINT_PRIMARY": direct,
        "REPOINT_OTHER": direct,
        "REPOINT_SOURCE": "",
        "REPOINT_HEALTH_HOST": "",
        **QUESTIONS,
        **variables,
    }
    name = [shell, "sh"] if shell == "busybox" else [shell]
    done = subprocess.run(
        [*name, "-c", SCRIPT], env=environment, capture_output=True, text=True, timeout=60
    )
    for text in (done.stdout, done.stderr):
        assert PASSWORD not in text and quote(PASSWORD, safe="") not in text
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    return done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_logs_in_with_an_awkward_password(pool: Pool, shell: str) -> None:
    found = answers_in(asked(pool, shell))
    assert isinstance(found, Answers) and not isinstance(found.me, str), found
    assert found.me["user"] == pool.ground.owner
    assert found.me["database"] == pool.ground.database
    assert not isinstance(found.marked, str) and kind_of(found.marked) == "PgBouncer"
    assert not isinstance(found.other, str) and kind_of(found.other) == "PostgreSQL itself"
    assert not isinstance(found.primary, str)
    assert found.marked.started == found.primary.started


def test_parameters_of_the_url(pool: Pool) -> None:
    pool.ground.sql(f'CREATE SCHEMA "my shop" AUTHORIZATION {pool.ground.owner}')
    base = json.loads(asked(pool))
    assert base["left"] == ""
    address, port = pool.ground.lab.address(pool.ground.direct.host)
    url = (
        f"postgres://{pool.ground.owner}:{quote(PASSWORD, safe='')}@{address}:{port}"
        f"/{pool.ground.database}?sslmode=require&search_path=%22my%20shop%22&pool_max_conns=3"
    )
    found = answers_in(asked(pool, REPOINT_URL=url))
    assert isinstance(found, Answers) and not isinstance(found.me, str)
    assert (found.me["schema"], found.left) == ("my shop", ("pool_max_conns",))
    assert not isinstance(found.marked, str) and kind_of(found.marked) == "PostgreSQL itself"


def test_a_wrong_password_is_told_in_the_server_s_words(pool: Pool) -> None:
    url = f"postgres://{pool.ground.owner}:wrong@{{}}:{{}}/{pool.ground.database}"
    found = answers_in(asked(pool, REPOINT_URL=url.format(*pool.ground.lab.address(pool.host))))
    assert isinstance(found, Answers) and isinstance(found.me, str)
    assert "SASL authentication failed" in found.me and "wrong" not in found.me


def test_a_raw_question_mark_in_the_password_before_a_query(pool: Pool) -> None:
    pool.ground.sql(f"ALTER ROLE {pool.ground.owner} PASSWORD 'pa?ss'")
    address, port = pool.ground.lab.address(pool.host)
    url = f"postgres://{pool.ground.owner}:pa?ss@{address}:{port}/{pool.ground.database}"
    found = answers_in(asked(pool, REPOINT_URL=f"{url}?sslmode=require"))
    assert isinstance(found, Answers) and not isinstance(found.me, str)


def test_a_raw_password_that_no_shell_can_split_is_not_repeated(pool: Pool) -> None:
    url = "postgres://web:pa?sec/ret@host/db"
    told = answers_in(asked(pool, REPOINT_URL=url))
    assert isinstance(told, str) and "cannot be read in a shell" in told


def test_split_variables(pool: Pool) -> None:
    address, port = pool.ground.lab.address(pool.host)
    text = asked(
        pool,
        REPOINT_URL="",
        PGHOST=address,
        PGPORT=str(port),
        PGUSER=pool.ground.owner,
        PGDATABASE=pool.ground.database,
        PGPASSWORD=PASSWORD,
    )
    found = answers_in(text)
    assert isinstance(found, Answers) and not isinstance(found.me, str)


def test_who_is_on_the_source(pool: Pool) -> None:
    there = ":".join(map(str, pool.ground.lab.address(pool.ground.direct.host)))
    login = pool.ground.direct.login(database=pool.ground.database)
    mine = replace(login, password=Sensitive(PASSWORD), startup=(("application_name", "left"),))
    with closing(pool.ground.lab.connect(pool.ground.direct.host, mine)):
        found = answers_in(asked(pool, REPOINT_SOURCE=there))
    assert isinstance(found, Answers) and isinstance(found.source, tuple)
    assert found.shows
    assert [s.role for s in found.source if s.application == "left"] == [pool.ground.owner]


def test_the_password_is_in_no_process_s_arguments(pool: Pool, tmp_path: Path) -> None:
    """A psql that tells its own arguments, and those of every process above it."""
    fake = tmp_path / "psql"
    fake.write_text(
        "#!/bin/sh\n"
        f'for one in $$ $PPID; do tr "\\0" "\\n" < /proc/$one/cmdline >> {tmp_path}/seen; done\n'
        f'echo "$PGPASSWORD" > {tmp_path}/given\necho "{{}}"\n'
    )
    fake.chmod(0o755)
    asked_raw(tmp_path)
    assert (tmp_path / "given").read_text() == "s3cr3t pass\n"
    assert "s3cr3t" not in (tmp_path / "seen").read_text()


def asked_raw(folder: Path) -> None:
    environment = {
        **dict.fromkeys(("REPOINT_SOURCE", "REPOINT_HEALTH_HOST", "REPOINT_OTHER"), ""),
        **QUESTIONS,
        "PATH": f"{folder}:{os.environ['PATH']}",
        "REPOINT_URL": "postgres://web:s3cr3t%20pass@host/db",
        "REPOINT_TIMEOUT": "5",
        "REPOINT_RUN": "x",
        "REPOINT_PRIMARY": "host:5432",
    }
    subprocess.run(["sh", "-c", SCRIPT], env=environment, check=True, capture_output=True)
