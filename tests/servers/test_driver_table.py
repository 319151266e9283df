"""The table of what drivers put on the wire is what the installed drivers still do."""

from __future__ import annotations

import json

import pytest

from tests.servers.drivers.measure import TABLE, measure
from tests.servers.drivers.programs import TOOLCHAIN
from tests.servers.fix_drivers import DriverFactory

pytestmark = [pytest.mark.servers, pytest.mark.slow]


@pytest.mark.parametrize("name", sorted(TOOLCHAIN))
def test_the_driver_still_speaks_as_the_table_says(name: str, driver: DriverFactory) -> None:
    wanted = json.loads(TABLE.read_text("utf-8"))[name]

    seen = json.loads(json.dumps(measure(driver(name))))

    for part in wanted:
        assert seen[part] == wanted[part], part
