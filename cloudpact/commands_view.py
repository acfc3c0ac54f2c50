"""`cloudpact view`: the web view on this machine."""

from __future__ import annotations

import importlib.util
import os
import socket
from pathlib import Path

import typer

from experiments.sweeps.errors import SweepError


def serve_page(host: str, port: int, results: Path) -> None:
    """Serve the page until Ctrl-C; raises SweepError, one line, where that cannot begin."""
    if importlib.util.find_spec("solara") is None:
        raise SweepError("the web view needs the packages of the extra `web`; ./run installs them")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SweepError(f"cannot listen on {host}:{port}: {error.strerror}; try another --port") from error
    os.environ["CLOUDPACT_VIEW_RESULTS"] = str(results.absolute())
    from visualization.web.server import serve

    typer.echo(f"cloudpact: the web view is at http://{host}:{port} (Ctrl-C ends it)", err=True)
    serve(host, port)
