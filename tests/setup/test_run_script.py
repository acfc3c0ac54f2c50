"""`./run`: finds a fit Python, sets up once, and says in one line where it cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHELL = shutil.which("sh") or "/bin/sh"
NAMES = ("python3.14", "python3.13", "python3.12", "python3", "python")
NO_PYTHON = "cloudpact: needs Python 3.12, 3.13 or 3.14 (with venv and ensurepip), and found none\n"

# Stands for an interpreter: answers the search, makes a .venv whose programs write down how they were called.
FAKE_PYTHON = """#!/bin/sh
case "$*" in
  *sys.base_prefix*) exit 1 ;;
  *sys._base_executable*) echo "$0" ;;
  *"-m venv --clear"*)
    for last; do :; done
    rm -rf "$last"; mkdir -p "$last/bin"
    cp "$0" "$last/bin/python"
    printf '#!/bin/sh\\necho "in $(pwd): cloudpact $*"\\n' >"$last/bin/cloudpact"
    chmod +x "$last/bin/cloudpact"
    echo venv >>"$CALLS" ;;
  *) echo "python $*" >>"$CALLS"
     case "$*" in *"${BREAK:-nothing is broken}"*) exit 1 ;; esac
     case "$*" in *uv.txt)
       uv=$(dirname "$0")/uv
       printf '#!/bin/sh\\necho "uv $*" >>"$CALLS"\\n' >"$uv"
       chmod +x "$uv" ;;
     esac ;;
esac
"""


class Machine:
    """A copy of the script in a folder with a space, and a PATH with the given interpreters and plain tools only."""

    def __init__(self, folder: Path) -> None:
        self.project, self.tools, self.home = folder / "a clone", folder / "tools", folder / "home"
        for made in (self.project, self.tools, self.home):
            made.mkdir()
        for name in ("run", "requirements.lock", "pyproject.toml"):
            shutil.copy(ROOT / name, self.project / name)
        for tool in ("sh", "dirname", "cat", "sed", "cksum", "cp", "rm", "mkdir", "chmod"):
            (self.tools / tool).symlink_to(shutil.which(tool) or tool)
        self.log = folder / "calls"

    def interpreter(self, name: str, script: str = FAKE_PYTHON) -> None:
        path = self.tools / name
        path.write_text(script)
        path.chmod(0o755)

    def run(self, *words: str, **extra: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.tools), "HOME": str(self.home), "CALLS": str(self.log), **extra}
        command = [SHELL, str(self.project / "run"), *words]
        return subprocess.run(command, env=environment, cwd=self.home, capture_output=True, text=True, timeout=60)

    def calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def no_other_python() -> bool:
    """The search also looks under /usr, so a machine with a new system Python cannot play one without."""
    return not any(_fits(path) for path in [*Path("/usr/bin").glob("python3*"), *Path("/").glob("*/bin/python3")])


def _fits(path: Path) -> bool:
    check = "import ensurepip, sys, venv; sys.exit(not (3, 12) <= sys.version_info[:2] < (3, 15))"
    try:
        return subprocess.run([path, "-I", "-c", check], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def test_the_script_is_posix_and_executable() -> None:
    assert subprocess.run([SHELL, "-n", str(ROOT / "run")], capture_output=True, text=True).stderr == ""
    assert os.access(ROOT / "run", os.X_OK)
    if shutil.which("dash"):
        assert subprocess.run(["dash", "-n", str(ROOT / "run")], capture_output=True, text=True).stderr == ""


def test_the_script_of_ci_parses_and_is_executable() -> None:
    assert subprocess.run(["bash", "-n", str(ROOT / ".ci/run")], capture_output=True, text=True).stderr == ""
    assert os.access(ROOT / ".ci/run", os.X_OK)


@pytest.mark.parametrize(("target", "command"), [("run", "./run"), ("test", "./run test"), ("check", ".ci/run")])
@pytest.mark.skipif(shutil.which("make") is None, reason="no make on this machine")
def test_make_has_the_same_targets(target: str, command: str) -> None:
    # Without what an outer make hands down: these tests also run under `make test`.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command_line = ["make", "--dry-run", target]
    done = subprocess.run(command_line, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == command + "\n"


@pytest.mark.parametrize(
    "script",
    ["#!/bin/sh\nexit 1\n", "#!/bin/sh\necho 'pyenv: python3: command not found' >&2\nexit 127\n", "not a program"],
    ids=["too old", "a shim without its interpreter", "not a program"],
)
@pytest.mark.skipif(not no_other_python(), reason="this machine's own system Python is new enough")
def test_without_a_fit_python_it_says_so_in_one_line(machine: Machine, script: str) -> None:
    for name in NAMES:
        machine.interpreter(name, script)
    done = machine.run()
    assert (done.returncode, done.stdout, done.stderr) == (1, "", NO_PYTHON)
    assert not (machine.project / ".venv").exists()


def test_a_failing_shim_is_passed_over(machine: Machine) -> None:
    machine.interpreter("python3.14", "#!/bin/sh\necho 'command not found' >&2\nexit 127\n")
    machine.interpreter("python3.12")
    done = machine.run("facts")
    assert done.returncode == 0
    assert done.stdout.endswith("cloudpact facts\n")


def test_set_up_installs_the_hashed_lock_then_the_project_then_compiles(machine: Machine) -> None:
    machine.interpreter("python3.13")
    assert machine.run("--help").returncode == 0
    venv = machine.project / ".venv"
    assert machine.calls() == [
        "venv",
        f"python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r {venv}/uv.txt",
        f"uv pip install -q --python {venv}/bin/python --require-hashes -r {machine.project}/requirements.lock",
        f"uv pip install -q --python {venv}/bin/python --no-deps --no-build-isolation -e {machine.project}",
        "python -m cloudpact.warmup",
    ]
    installer = (venv / "uv.txt").read_text().splitlines()
    assert installer[0].startswith("uv==")
    assert all(line.strip().startswith("--hash=sha256:") for line in installer[1:-1])


def test_a_second_start_does_nothing_and_a_changed_lock_sets_up_again(machine: Machine) -> None:
    machine.interpreter("python3.13")
    machine.run("--help")
    first = machine.calls()
    second = machine.run("--help")
    assert (second.stderr, machine.calls()) == ("", first)
    with (machine.project / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    assert "setting up" in machine.run("--help").stderr
    assert machine.calls() == first + first


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        (" -r ", "cloudpact: could not install the packages of requirements.lock"),
        ("cloudpact.warmup", "cloudpact: could not compile the numeric kernels (python -m cloudpact.warmup)"),
    ],
)
def test_a_set_up_that_failed_is_not_taken_as_ready(machine: Machine, broken: str, line: str) -> None:
    machine.interpreter("python3.13")
    failed = machine.run("--help", BREAK=broken)
    assert (failed.returncode, failed.stderr.splitlines()[-1]) == (1, line)
    again = machine.run("--help")
    assert (again.returncode, machine.calls().count("venv")) == (0, 2)


def test_pip_stands_in_for_uv(machine: Machine) -> None:
    machine.interpreter("python3.13", FAKE_PYTHON.replace('echo "uv $*" >>"$CALLS"', "exit 3"))
    assert machine.run("--help").returncode == 0
    assert f"python -m pip install -q --require-hashes -r {machine.project}/requirements.lock" in machine.calls()


def test_words_go_to_the_command_where_the_user_is_and_the_main_job_runs_in_the_project(machine: Machine) -> None:
    machine.interpreter("python3.13")
    assert machine.run("report", "my run").stdout == f"in {machine.home}: cloudpact report my run\n"
    assert machine.run().stdout == f"in {machine.project}: cloudpact run\n"
    machine.run("test", "-k", "a word")
    assert machine.calls()[-1] == "python -m pytest -n auto -m not slow and not browser -k a word"
