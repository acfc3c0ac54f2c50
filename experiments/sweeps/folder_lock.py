"""One writer a folder: a lock that ends with its process, however that ends."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from experiments.sweeps.errors import SweepError

LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class FolderLock:
    """A held lock on a folder; `release` ends it, and so does the end of the process.

    The lock is on the file `.lock`, which holds the process's number for others to read. It stays when the lock ends.
    """

    handle: int

    @classmethod
    def take(cls, folder: Path, named: Path | None = None) -> FolderLock:
        """Lock a folder for this process; `named` is what messages call it.

        Raises SweepError if another process holds it, if nothing can be written there, or on a file system that
        knows no locks.
        """
        path, told = folder / LOCK, named or folder
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise SweepError(f"{told}: cannot write there: {error.strerror}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(handle, 20).decode().strip()
            os.close(handle)
            raise SweepError(f"{told}: is being written by process {holder or 'unknown'}; wait or stop it") from None
        except OSError as error:
            os.close(handle)
            why = f"{told}: its file system has no locks ({error.strerror}), so two sweeps could mix in it"
            raise SweepError(f"{why}; name a folder on another one") from error
        with suppress(OSError):  # a full disk: the lock holds all the same, without saying whose it is
            os.truncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        return cls(handle)

    def release(self) -> None:
        """Let others in."""
        os.close(self.handle)
