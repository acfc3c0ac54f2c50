"""Newer files load as they are; bad ones give one line with file and line."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from market.calendar import quarter_index
from market.fact_files import COLUMNS, SHIPPED
from market.facts import Facts, FactsError

DEALS = (SHIPPED / "deals.csv").read_text(encoding="utf-8")
BLANK = dict.fromkeys(DEALS.splitlines()[0].split(","), "") | {"confidence": "high", "exclusivity": "none"}


def with_deals(folder: Path, *rows: dict[str, str]) -> Facts:
    lines = [",".join(f'"{cell}"' for cell in (BLANK | row).values()) for row in rows]
    (folder / "deals.csv").write_text(DEALS + "\n".join(lines) + "\n", encoding="utf-8")
    return Facts.load(folder)


def appended(folder: Path, name: str, line: str) -> Facts:
    (folder / name).write_text((SHIPPED / name).read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    return Facts.load(folder)


def test_the_hash_is_that_of_the_bytes_in_a_fixed_order(tmp_path: Path) -> None:
    digest = hashlib.sha256()
    for name in COLUMNS:
        content = (SHIPPED / name).read_bytes()
        digest.update(f"{name} {len(content)}\n".encode() + content)
    assert Facts.load().hash == digest.hexdigest()
    assert Facts.load().known_at(quarter_index("2023Q4")).hash == digest.hexdigest()
    assert (
        appended(tmp_path, "supply.csv", "2026Q2,NVIDIA data-centre revenue,80,usd_bn,x,high,").hash
        != digest.hexdigest()
    )


def test_shipped_names_are_all_known() -> None:
    assert Facts.load().notes == ()


def test_appended_quarters_extend_the_series(tmp_path: Path) -> None:
    facts = appended(tmp_path, "capex_quarterly.csv", "2026Q2,AMZN,50.5,,x,high,")
    assert facts.capex("Amazon")[quarter_index("2026Q2")] == 50.5
    assert facts.last_capex_quarter == quarter_index("2026Q1")
    assert facts.capex("Google") == Facts.load().capex("Google")


def test_appended_deals_get_a_role_by_rule(tmp_path: Path) -> None:
    day = {"date": "2026-11-05"}
    anthropic, openai = day | {"lab": "Anthropic"}, day | {"lab": "OpenAI"}
    facts = with_deals(
        tmp_path,
        anthropic | {"provider": "Amazon/AWS", "compute_commitment_usd_bn": "40"},
        anthropic | {"provider": "Amazon Web Services", "equity_usd_bn": "3"},
        anthropic | {"provider": "NVIDIA", "equity_usd_bn": "10"},
        openai | {"provider": "Crusoe", "compute_gw": "1"},
        openai | {"provider": "Kingdom Fund", "equity_usd_bn": "6"},
        openai | {"provider": "Kingdom Fund"},
        openai | {"provider": "Microsoft", "exclusivity": "primary"},
        openai | {"provider": "Oracle", "compute_commitment_usd_bn": "90", "note": "TALKS only"},
        openai | {"provider": "NVIDIA and others", "equity_usd_bn": "90"},
        openai | {"provider": "Google", "equity_usd_bn": "900", "equity_stake_pct": "100"},
        day | {"provider": "Google", "lab": "Brand New Lab", "equity_usd_bn": "1"},
    )
    assert [(d.slug, d.role.value, d.terms.provider) for d in facts.disclosed_deals() if d.date.year == 2026][-11:] == [
        ("amazon-anthropic-2026-11", "signed", "Amazon"),
        ("amazon-anthropic-2026-11-b", "signed", "Amazon"),
        ("nvidia-anthropic-2026-11", "supplier", "NVIDIA"),
        ("crusoe-openai-2026-11", "other_cloud", "Other clouds"),
        ("kingdom-fund-openai-2026-11", "investor", "Outside investors"),
        ("kingdom-fund-openai-2026-11-b", "ignored", "Kingdom Fund"),
        ("microsoft-openai-2026-11", "exclusivity_change", "Microsoft"),
        ("oracle-openai-2026-11", "ignored", "Oracle"),
        ("nvidia-openai-2026-11", "ignored", "NVIDIA"),
        ("google-openai-2026-11", "ignored", "Google"),
        ("google-brand-new-lab-2026-11", "ignored", "Google"),
    ]
    assert [note.split(": ", 1)[1] for note in facts.notes] == [
        "provider 'Crusoe' is not in names.csv; taken as not modelled",
        "provider 'Kingdom Fund' is not in names.csv; taken as not modelled",
        "provider 'Kingdom Fund' is not in names.csv; taken as not modelled",
        "lab 'Brand New Lab' is not in names.csv; taken as not modelled",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"provider": "Amazom"}, "provider 'Amazom' is not in names.csv; did you mean 'Amazon'?"),
        ({"lab": "Antropic"}, "lab 'Antropic' is not in names.csv; did you mean 'Anthropic'?"),
        ({"date": "2026-13-01"}, "date is '2026-13-01', not a date such as 2026-04-20"),
        ({"date": ""}, "date is blank"),
        ({"equity_usd_bn": "lots"}, "equity_usd_bn is 'lots', not a finite number"),
        ({"equity_usd_bn": "nan"}, "equity_usd_bn is 'nan', not a finite number"),
        ({"compute_gw": "-1"}, "compute_gw is -1, below 0"),
        ({"compute_gw": "0"}, "compute_gw is 0; leave it blank when it is not disclosed"),
        (
            {"equity_usd_bn": "1", "equity_upfront_usd_bn": "2"},
            "equity_upfront_usd_bn is 2, no part of equity_usd_bn 1.0",
        ),
        ({"equity_stake_pct": "120"}, "equity_stake_pct is 120, above 100"),
        ({"confidence": "sure"}, "confidence is 'sure'; allowed: 'high', 'medium', 'low', 'unverified'"),
        (
            {"exclusivity": "maybe"},
            "exclusivity is 'maybe'; allowed: '', 'none', 'primary', 'right-of-first-refusal', 'exclusive'",
        ),
    ],
)
def test_a_bad_deal_row_gives_one_line(change: dict[str, str], message: str, tmp_path: Path) -> None:
    row = {"date": "2026-11-05", "provider": "Google", "lab": "OpenAI"} | change
    with pytest.raises(FactsError) as caught:
        with_deals(tmp_path, row)
    assert str(caught.value) == f"{tmp_path / 'deals.csv'}:68: {message}"


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("capex_quarterly.csv", "2026Q2,AMZ,1,,x,high,", "company 'AMZ' is not in names.csv; did you mean 'AMZN'?"),
        (
            "capex_quarterly.csv",
            "2026Q2,TSLA,1,,x,high,",
            "company 'TSLA' is not in names.csv; allowed: AMZN, MSFT, GOOGL, META, ORCL, CRWV",
        ),
        ("capex_quarterly.csv", "2026Q1,AMZN,1,,x,high,", "a second row for Amazon 2026Q1"),
        ("capex_quarterly.csv", "2026Q5,AMZN,1,,x,high,", "quarter: '2026Q5' is not a quarter such as 2026Q3"),
        ("capex_quarterly.csv", "2026Q2,AMZN", "2 cells where the header has 7"),
        ("supply.csv", "2026Q2,x,,usd,x,high,", "value is blank"),
        ("deal_overrides.csv", "x,term_years,0,2026-01-01,y", "value is 0; it must be above zero"),
        ("deal_overrides.csv", "x,start_quarter,2026,2026-01-01,y", "value: '2026' is not a quarter such as 2026Q3"),
        (
            "deal_roles.csv",
            "oracle-openai-2025-07,signed,x,y,,",
            "slug 'oracle-openai-2025-07' stands here a second time",
        ),
    ],
)
def test_a_bad_row_of_a_series_gives_one_line(name: str, line: str, message: str, tmp_path: Path) -> None:
    number = (SHIPPED / name).read_text(encoding="utf-8").count("\n") + 1
    with pytest.raises(FactsError) as caught:
        appended(tmp_path, name, line)
    assert str(caught.value) == f"{tmp_path / name}:{number}: {message}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe\x00", ": is not UTF-8 text"),
        (b"", ":1: column 'lab' is missing; expected lab,date,annualised_revenue_usd_bn"),
        (b"lab,date\n", ":1: column 'annualised_revenue_usd_bn' is missing"),
    ],
)
def test_a_file_that_is_no_table_gives_one_line(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "labs.csv").write_bytes(content)
    with pytest.raises(FactsError) as caught:
        Facts.load(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'labs.csv'}{message}")
    assert "\n" not in str(caught.value)


def test_a_folder_must_hold_fact_files(tmp_path: Path) -> None:
    with pytest.raises(FactsError, match="is no folder"):
        Facts.load(tmp_path / "nowhere")
    with pytest.raises(FactsError, match=r"holds no fact file; expected names\.csv"):
        Facts.load(tmp_path)
    (tmp_path / "deal.csv").write_text(DEALS, encoding="utf-8")
    with pytest.raises(FactsError, match=r"deal.csv: is no fact file; did you mean 'deals.csv'\?"):
        Facts.load(tmp_path)
