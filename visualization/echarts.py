"""Where the chart library lies on this machine; nothing is fetched."""

from __future__ import annotations

import site
import sys
import sysconfig
from pathlib import Path

_INSIDE = Path("share/solara/cdn/echarts@5.4.0/dist/echarts.min.js")


def echarts_source() -> str | None:
    """The minified ECharts 5.4.0 (Apache-2.0) that the package solara-assets installs, or None without it."""
    roots = (sysconfig.get_path("data"), sys.prefix, site.getuserbase(), sys.base_prefix)
    for root in roots:
        path = Path(root) / _INSIDE
        if path.is_file():
            return path.read_text(encoding="utf-8")
    return None
