"""A process with a control plane, for tests that kill it: `python -m tests.cluster.plane_child`.

It prints the control plane's folder when it is up, and waits.
"""

from __future__ import annotations

import signal

from tests.cluster.control_plane import running

if __name__ == "__main__":
    with running() as plane:
        print(plane.folder, flush=True)
        signal.pause()
