"""One HTML document for people who have nothing installed: it needs no network and no script."""

from repoint.views.report.page import render

__all__ = ["render"]
