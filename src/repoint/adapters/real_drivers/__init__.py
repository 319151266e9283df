"""Real Python drivers, where they are installed: one login each, in a process of its own."""

from repoint.adapters.real_drivers.observing import DRIVERS, observe

__all__ = ["DRIVERS", "observe"]
