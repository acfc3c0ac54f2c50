"""Processes that call one function again and again for their parent, and never outlive it.

They are plain interpreters, not `multiprocessing`'s: those import the parent's main module, so that a script without
the `__main__` guard would start itself for ever. Each has a connection of its own, so the end of one is seen at once
and concerns no other.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from types import FunctionType
from typing import Any

from experiments.sweeps.errors import SweepError

THREAD_LIMITS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    "from experiments.workers import serve; serve(int(sys.argv[2]), int(sys.argv[3]))"
)
_PARENT_CHECK_SECONDS = 1.0


class Worker:
    """A process that calls a function on whatever it is sent, in that order, and sends back what that returns.

    Its first message is None when it is ready, or one line that says why it cannot be. What the function prints goes
    to the parent's standard error. An exception in the function ends the process.
    """

    def __init__(self, make_function: bytes) -> None:
        """Start the process; what is in `make_function`, through `pickled`, is called there and gives the function."""
        self.connection, theirs = Pipe()
        arguments = [json.dumps([path or os.getcwd() for path in sys.path]), str(theirs.fileno()), str(os.getpid())]
        with interrupts_blocked(), theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _START, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=2,
                env={**os.environ, **dict.fromkeys(THREAD_LIMITS, "1")},
                pass_fds=[theirs.fileno()],
            )
        self._send(make_function)

    def send(self, argument: object) -> None:
        """Queue a call; that the process has ended is for `receive` to say."""
        self._send(pickle.dumps(argument))

    def _send(self, message: bytes) -> None:
        try:
            self.connection.send_bytes(message)
        except OSError:
            return

    def receive(self) -> Any:
        """The next message, once there is news; raises EOFError or OSError if the process has ended and left none."""
        if not self.connection.poll():
            raise EOFError
        return self.connection.recv()

    def has_news(self) -> bool:
        """Whether there is a message or the process has ended, even if its own children keep the connection open."""
        return self.connection.poll() or self._process.poll() is not None

    def end(self) -> int:
        """End the process if it has not ended itself, and return its exit code: minus the signal if one ended it."""
        self._process.kill()
        self.connection.close()
        return self._process.wait()


def pickled(wanted: object) -> bytes:
    """A function and what it needs as bytes for other processes; raises SweepError if they could not import it."""
    buffer = io.BytesIO()
    try:
        _ImportablePickler(buffer).dump(wanted)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        told = " ".join(str(error).split())
        raise SweepError(
            f"what is swept cannot be sent to other processes ({told});"
            " allowed: functions at the top of a module, neither lambdas nor functions within functions"
        ) from error
    return buffer.getvalue()


class _ImportablePickler(pickle.Pickler):
    def reducer_override(self, found: Any) -> Any:
        if isinstance(found, FunctionType | type) and found.__module__ == "__main__":
            raise SweepError(
                f"{found.__qualname__} is defined in the script itself, where no other process can import it;"
                " put it into a module beside the script and import it from there"
            )
        return NotImplemented


def cores() -> int:
    """How many cores this process may use."""
    count = getattr(os, "process_cpu_count", os.cpu_count)()
    return count or 1


@contextmanager
def interrupts_blocked() -> Iterator[None]:
    """Processes started inside never hear Ctrl-C: it reaches every process of a terminal, the parent decides."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def serve(descriptor: int, parent: int) -> None:
    """The life of a worker: the function first, then one call after the other until the parent ends it."""
    connection = Connection(descriptor)
    received: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(connection, parent, received), daemon=True).start()
    try:
        function = pickle.loads(received.get())()
    except Exception as error:  # noqa: BLE001 -- whatever an import raises is told to the parent
        _answer(connection, " ".join(f"{type(error).__name__}: {error}".split()))
        return
    _answer(connection, None)
    while True:
        _answer(connection, function(pickle.loads(received.get())))


def _answer(connection: Connection, message: object) -> None:
    try:
        connection.send(message)
    except OSError:  # the parent has gone, or does not want this any more
        os._exit(1)


def _listen(connection: Connection, parent: int, received: queue.SimpleQueue[bytes]) -> None:
    """Runs beside the calls: a parent that sends never waits for them, and a parent that dies ends them.

    The connection's end may be held open by other children of the dead parent, hence the look at its number.
    """
    try:
        while os.getppid() == parent:
            if connection.poll(_PARENT_CHECK_SECONDS):
                received.put(connection.recv_bytes())
    finally:
        os._exit(1)
