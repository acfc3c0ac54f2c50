from __future__ import annotations

import functools
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cloudpact import commands_run
from cloudpact.cli import exit_code
from cloudpact.results import Results
from experiments.ensemble import run_ensemble
from experiments.renegotiate import renegotiated
from market.scenario import Scenario, Talks
from tests.experiments import fake_runs
from tests.experiments.fake_talks import story

ROOT = Path(__file__).resolve().parents[2]
SCENARIO_COMMANDS = [f"scenario {name}" for name in ("list", "show", "check", "diff", "schema")]
COMMANDS = ["run", "explain", "renegotiate", "report", "facts", "scenario", *SCENARIO_COMMANDS]


@pytest.fixture
def scenario_file(tmp_path: Path) -> str:
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\n[time]\nstart = "2025Q1"\nend = "2026Q2"\n', encoding="utf-8")
    return str(path)


@pytest.fixture
def fake_market(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Made-up results in place of simulated ones, and a working folder of the test's own."""
    simulated = functools.partial(run_ensemble, simulate=fake_runs.simulate)
    monkeypatch.setattr(commands_run, "run_ensemble", simulated)
    monkeypatch.setattr("visualization.report.write_report", lambda folder: (folder / "report.html").touch())
    monkeypatch.chdir(tmp_path)


def complaint(capsys: pytest.CaptureFixture[str], arguments: list[str], code: int = 2) -> str:
    """The one line on stderr of a command that must fail with `code` and print nothing else."""
    assert exit_code(arguments) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err.strip()


@pytest.mark.usefixtures("fake_market")
def test_run_writes_a_numbered_folder_and_prints_the_summary(
    scenario_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (1, 2):
        assert exit_code(["run", scenario_file, "--runs", "3", "--jobs", "1"]) == 0
        out, error = capsys.readouterr()
        assert out.startswith("mine: 3 runs, 2026Q1 (last fact) against 2026Q2 (simulated)\n")
        assert out.endswith(f"Results: results/{number:03d}-mine\nReport:  results/{number:03d}-mine/report.html\n")
        assert error.splitlines()[-1] == "3 of 3 runs, about 0 s left"
    folder = tmp_path / "results" / "001-mine"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["seed"], manifest["replicates"], manifest["status"]) == (1, [0, 1, 2], "complete")
    assert Results.load(folder).content_hash() == manifest["content_hash"]
    assert (folder / "report.html").exists()
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == ["001-mine", "002-mine"]


@pytest.mark.usefixtures("fake_market")
def test_run_json_is_one_document(scenario_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    command = ["run", scenario_file, "--runs", "2", "--seed", "9", "--jobs", "1", "--out", str(out), "--json"]
    assert exit_code(command) == 0
    document = json.loads(capsys.readouterr().out)
    assert {**document, "summary": None} == {
        "schema_version": 2,
        "folder": str(out),
        "status": "complete",
        "summary": None,
    }
    assert document["summary"]["runs"] == 2


@pytest.mark.usefixtures("fake_market")
def test_settings_and_until_reach_the_saved_scenario(scenario_file: str, tmp_path: Path) -> None:
    command = ["run", scenario_file, "--runs", "1", "--until", "2027Q1", "--set", "enterprises.count=50", "--out"]
    assert exit_code([*command, str(tmp_path / "out")]) == 0
    saved = Scenario.load(tmp_path / "out" / "scenario.toml")
    assert saved.diff(Scenario.load(scenario_file)) == {
        "enterprises.count": (50, Scenario().enterprises.count),
        "time.end": ("2027Q1", "2026Q2"),
    }


def test_mistakes_are_one_line_and_write_nothing(
    fake_market: None, scenario_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "binary.toml").write_bytes(b"\x00\xff\x00")
    before = sorted(path.name for path in tmp_path.iterdir())
    mistakes = {
        "rum": "cloudpact: No such command 'rum'. Did you mean 'run'?",
        "run --sed 3": "cloudpact: No such option: --sed (Possible options: --seed, --set)",
        "run --seed x": "cloudpact: Invalid value for '--seed': 'x' is not a whole number",
        "run --seed 1.5": "cloudpact: Invalid value for '--seed': '1.5' is not a whole number",
        "run --seed -1": "cloudpact: Invalid value for '--seed': -1 is too small; allowed: 0 or more",
        "run --runs 0": "cloudpact: Invalid value for '--runs': 0 is too small; allowed: 1 or more",
        "run baselin": "no such scenario",
        "run absent.toml": "absent.toml: no such file or directory",
        "run binary.toml": "binary.toml:1: ",
        f"run {scenario_file} --until 2030": "value for '--until': '2030' is not a quarter such as 2026Q3",
        f"run {scenario_file} --until 2020Q1": "time.end: 2020Q1 is before time.start 2025Q1",
        f"run {scenario_file} --set enterprises.cont=3": "enterprises.cont: unknown key",
        f"run {scenario_file} --set enterprises": "not a setting",
        f"run {scenario_file} --out {tmp_path}": "is not empty; name a new folder",
        f"run {scenario_file} --out file": "cloudpact: file: is not a folder",
        f"run {scenario_file} --facts absent": "absent",
        "explain": "cloudpact: Missing argument 'RUN_DIR'",
        "explain absent 0:1": "cloudpact: absent: no such folder",
        "renegotiate absent 0:1": "cloudpact: absent: no such folder",
        "renegotiate absent 0:1 --limit power": "cloudpact: limit: 'power'; allowed: NAME=NUMBER",
        "renegotiate absent 0:1 --set price.floor=1": "cloudpact: price.floor: cannot be set for one deal",
        "renegotiate absent 0:1 --lab-weight x": "Invalid value for '--lab-weight'",
        "report .": "cloudpact: .: holds no run (no manifest.json)",
        "facts capx": "no series 'capx'; allowed: adoption, backlog, capex,",
        "scenario shw": "cloudpact: No such command 'shw'. Did you mean 'show'?",
        "scenario check absent.toml": "absent.toml: no such file or directory",
    }
    for arguments, message in mistakes.items():
        said = complaint(capsys, arguments.split())
        assert message in said, said
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_failed_replicate_keeps_the_others_and_exits_1(
    fake_market: None,
    scenario_file: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    failing = functools.partial(run_ensemble, simulate=fake_runs.simulate_or_fail)
    monkeypatch.setattr(commands_run, "run_ensemble", failing)
    assert exit_code(["run", scenario_file, "--runs", "4", "--jobs", "1"]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == (
        "cloudpact: replicate 2 failed: ZeroDivisionError: no labs left (CLOUDPACT_TRACEBACK=1 shows where); "
        "2 of 4 runs are in results/001-mine"
    )
    assert json.loads((tmp_path / "results/001-mine/manifest.json").read_text())["status"] == "failed"
    assert Results.load(tmp_path / "results/001-mine").runs == [0, 1]


def interrupted_after(finished: int) -> Any:
    def simulate(scenario: Any, seed: int, replicate: int, facts: Any) -> Results:
        if replicate == finished:
            raise KeyboardInterrupt
        return fake_runs.fake_results(seed, replicate)

    return functools.partial(run_ensemble, simulate=simulate)


def test_ctrl_c_writes_what_finished(
    fake_market: None,
    scenario_file: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(commands_run, "run_ensemble", interrupted_after(2))
    assert exit_code(["run", scenario_file, "--jobs", "1"]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "cloudpact: interrupted; 2 of 24 runs are in results/001-mine"
    manifest = json.loads((tmp_path / "results/001-mine/manifest.json").read_text())
    assert (manifest["status"], manifest["replicates"], manifest["replicates_requested"]) == ("interrupted", [0, 1], 24)


def test_ctrl_c_at_once_leaves_nothing(
    fake_market: None,
    scenario_file: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(commands_run, "run_ensemble", interrupted_after(0))
    message = "cloudpact: interrupted; nothing was finished, nothing is written"
    assert complaint(capsys, ["run", scenario_file, "--jobs", "1"], 130) == message
    assert list((tmp_path / "results").iterdir()) == []


def test_a_failure_is_one_line_and_leaves_nothing(
    fake_market: None,
    scenario_file: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full_disk(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("visualization.report.write_report", full_disk)
    assert exit_code(["run", scenario_file, "--runs", "1"]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == "cloudpact: OSError: [Errno 28] No space left on device (CLOUDPACT_TRACEBACK=1 shows where)"
    assert list((tmp_path / "results").iterdir()) == []
    monkeypatch.setenv("CLOUDPACT_TRACEBACK", "1")
    with pytest.raises(OSError, match="No space left"):
        exit_code(["run", scenario_file, "--runs", "1"])


@pytest.mark.usefixtures("fake_market")
def test_explain_reads_a_run_folder(scenario_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["run", scenario_file, "--runs", "2", "--jobs", "1", "--out", "mine"]) == 0
    capsys.readouterr()
    assert exit_code(["explain", "mine", "1:2"]) == 0
    assert capsys.readouterr().out.startswith("1:2: Oracle and OpenAI, signed 2026Q2 (now active)\n")
    assert exit_code(["explain", "mine", "1:2", "--json"]) == 0
    negotiation = json.loads(capsys.readouterr().out)["negotiation"]
    assert negotiation["best_rival"] == "Amazon"
    assert negotiation["explained"]["terms"] == story()["terms"]
    assert "did you mean '1:2'?" in complaint(capsys, ["explain", "mine", "1:22"])


@pytest.mark.usefixtures("fake_market")
def test_renegotiate_reads_a_run_folder_and_its_talks(
    scenario_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["run", scenario_file, "--runs", "1", "--jobs", "1", "--set", "talks.concession_rounds=7", "--out", "mine"]
    assert exit_code(run) == 0
    capsys.readouterr()
    assert exit_code(["renegotiate", "mine", "0:2"]) == 0
    assert capsys.readouterr().out.startswith("0:2: Oracle and OpenAI, signed 2026Q2, bargained again\n\nNothing is")
    command = ["renegotiate", "mine", "0:2", "--protocol", "concession", "--lab-weight", "0.6", "--json"]
    limits = ["--outside-option", "1", "--limit", "power=0.4", "--lift", "stake cap"]
    assert exit_code([*command, *limits, "--set", "talks.lab_concession=2"]) == 0
    told = json.loads(capsys.readouterr().out)
    expected = renegotiated(
        story(),
        Talks(concession_rounds=7),
        protocol="concession",
        lab_weight=0.6,
        outside_option_usd_bn=1.0,
        limits={"power": 0.4},
        lifted=["stake cap"],
        talks={"lab_concession": 2},
    )
    assert {name: told[name] for name in expected} == expected
    assert told["signed"]
    assert told["after"]["terms"]["gw"] == 0.4
    assert "did you mean '0:2'?" in complaint(capsys, ["renegotiate", "mine", "0:22"])
    assert "signed as disclosed" in complaint(capsys, ["renegotiate", "mine", "microsoft-openai-2025-10"])
    assert "did you mean 'auction'?" in complaint(capsys, ["renegotiate", "mine", "0:2", "--protocol", "auctions"])


def test_scenario_commands(scenario_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["scenario", "check", scenario_file]) == 0
    assert capsys.readouterr().out == f"{scenario_file}: a scenario named mine, 2025Q1 to 2026Q2\n"
    assert exit_code(["scenario", "show", scenario_file]) == 0
    resolved = tmp_path / "resolved.toml"
    resolved.write_text(capsys.readouterr().out, encoding="utf-8")
    assert exit_code(["scenario", "diff", scenario_file, str(resolved)]) == 0
    assert capsys.readouterr().out == "no difference\n"
    later = resolved.read_text(encoding="utf-8").replace('end = "2026Q2"', 'end = "2026Q3"')
    resolved.write_text(later, encoding="utf-8")
    assert exit_code(["scenario", "diff", scenario_file, str(resolved)]) == 0
    assert capsys.readouterr().out == 'time.end: "2026Q2" -> "2026Q3"\n'
    assert exit_code(["scenario", "diff", scenario_file, str(resolved), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"time.end": ["2026Q2", "2026Q3"]}
    assert exit_code(["scenario", "schema"]) == 0
    assert "enterprises" in json.loads(capsys.readouterr().out)["properties"]


def test_facts_lists_series_and_prints_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")  # a narrow terminal folds its lines
    assert exit_code(["facts"]) == 0
    names = {line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]}
    assert names == {"adoption", "backlog", "capex", "cloud-revenue", "deals", "labs", "market-share", "supply"}
    assert exit_code(["facts", "capex", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    year = [row["value"] for row in rows if row["name"] == "Amazon" and row["quarter"].startswith("2015")]
    assert len(year) == 4
    assert set(rows[0]) == {"quarter", "name", "value", "unit", "confidence", "line", "source"}


def test_every_command_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ["", *COMMANDS]:
        assert exit_code([*command.split(), "--help"]) == 0
        text = capsys.readouterr().out
        assert f"Example: cloudpact {command}".rstrip() in text, command
    assert exit_code([]) == 0
    assert capsys.readouterr().out.startswith("Usage: cloudpact")


def test_help_loads_nothing_heavy() -> None:
    heavy = "{'pandas', 'numpy', 'mesa', 'numba', 'scipy', 'pyarrow', 'networkx', 'rich'}"
    code = f"import sys, cloudpact.cli as cli; cli.exit_code(['--help']); print(sorted({heavy} & set(sys.modules)))"
    out = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True)
    assert out.splitlines()[-1] == "[]"


def test_help_starts_in_time() -> None:
    command = [sys.executable, "-m", "cloudpact.cli", "--help"]
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(seconds) <= 0.35


def test_a_closed_pipe_is_no_error() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "cloudpact.cli", "scenario", "schema"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    process.wait()
