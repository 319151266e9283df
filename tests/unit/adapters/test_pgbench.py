"""pgbench's command line and what it prints; the real program runs in tests/servers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repoint.adapters.pgbench import escaped, server_args, slice_args, tps_of
from repoint.errors import ToolFailed
from repoint.model.benchmark import Workload
from repoint.model.sensitive import Sensitive
from repoint.wire.login import Login

LOGIN = Login("libpq", "naytife", Sensitive("canary-Wq3"), "naytifedb")
SAID = """\
transaction type: <builtin: select only>
number of transactions actually processed: 4821
number of failed transactions: 0 (0.000%)
latency average = 3.3 ms
tps = 2410.250000 (including reconnection times)
"""


def test_a_reconnecting_load_connects_for_each_transaction() -> None:
    assert slice_args(Workload("connect", "", 8, True), 2) == [
        "--no-vacuum",
        "--select-only",
        "--client=8",
        "--jobs=2",
        "--time=2",
        "--connect",
    ]


def test_a_persistent_load_keeps_its_connections() -> None:
    assert "--connect" not in slice_args(Workload("few", "", 1, False), 0.2)
    assert {"--jobs=1", "--time=1"} <= set(slice_args(Workload("few", "", 1, False), 0.2))


def test_no_argument_holds_the_password() -> None:
    args = server_args(("127.0.0.1", 6432), LOGIN)
    assert args == ["host='127.0.0.1' port='6432' user='naytife' dbname='naytifedb'"]


def test_a_name_stays_a_name() -> None:
    odd = replace(LOGIN, user="--debug", database="x' host='evil.example\\")
    (text,) = server_args(("127.0.0.1", 6432), odd)
    assert text.endswith(r"user='--debug' dbname='x\' host=\'evil.example\\'")


def test_the_figure_is_read() -> None:
    assert tps_of(SAID) == 2410.25


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("", id="nothing printed"),
        pytest.param(SAID.replace("2410.250000", "0.000000"), id="no transaction ended"),
        pytest.param(
            SAID.replace("failed transactions: 0", "failed transactions: 3"), id="failures"
        ),
    ],
)
def test_a_slice_that_proves_nothing_is_an_error(said: str) -> None:
    with pytest.raises(ToolFailed):
        tps_of(said)


def test_a_password_with_colon_and_backslash_fits_a_pgpass_file() -> None:
    assert escaped(r"a:b\c") == r"a\:b\\c"
