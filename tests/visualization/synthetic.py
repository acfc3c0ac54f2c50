"""Invented result tables with the schema of a real run: deterministic, for tests and for developing figures."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

PROVIDERS = ("Amazon", "Microsoft", "Google", "Oracle", "CoreWeave", "Meta")
LABS = ("OpenAI", "Anthropic", "Google DeepMind", "Meta AI", "xAI", "Mistral", "Cohere")
QUARTERS = tuple(f"{year}Q{quarter}" for year in range(2019, 2031) for quarter in range(1, 5))
LAST_FACT = "2026Q1"

MANIFEST = {
    "schema_version": 1,
    "scenario": "baseline",
    "seed": 7,
    "runs": 12,
    "created": "2026-09-30T12:00:00Z",
    "versions": {"cloudpact": "0.1.0", "python": "3.13.1", "mesa": "3.5.1"},
    "facts_hash": "3b1f0c",
    "content_hash": "9aa412",
}

SCENARIO = (
    'description = "Disclosed deals, then the market on its own"\nbase = "baseline"\n\n[time]\nuntil = "2030Q4"\n'
)

_SHARES = {
    "OpenAI": {"Microsoft": 0.5, "Oracle": 0.3, "CoreWeave": 0.12, "Amazon": 0.08},
    "Anthropic": {"Amazon": 0.55, "Google": 0.35, "Microsoft": 0.10},
    "Google DeepMind": {"Google": 1.0},
    "Meta AI": {"Meta": 1.0},
    "xAI": {"Oracle": 0.6, "CoreWeave": 0.4},
    "Mistral": {"Microsoft": 0.6, "CoreWeave": 0.4},
    "Cohere": {"Google": 0.5, "Oracle": 0.5},
}
_FOUNDED = {"OpenAI": 0, "Anthropic": 9, "Google DeepMind": 0, "Meta AI": 0, "xAI": 17, "Mistral": 18, "Cohere": 4}
_SIZE = {
    "OpenAI": 6.0,
    "Anthropic": 4.5,
    "Google DeepMind": 5.0,
    "Meta AI": 3.0,
    "xAI": 2.0,
    "Mistral": 0.3,
    "Cohere": 0.1,
}


def tables(runs: int = 12) -> dict[str, pd.DataFrame]:
    """All result tables that figures read, with the given number of runs."""
    rng = np.random.default_rng(20260331)
    luck = np.cumsum(rng.normal(0.0, 0.03, (runs, len(QUARTERS))) * (np.arange(len(QUARTERS)) > 28), axis=1)
    return {
        "market": pd.DataFrame([_market(run, i, luck[run, i]) for run in range(runs) for i in range(len(QUARTERS))]),
        "providers": pd.DataFrame(
            [
                _provider(run, i, p, luck[run, i])
                for run in range(runs)
                for i in range(len(QUARTERS))
                for p in range(len(PROVIDERS))
            ]
        ),
        "labs": pd.DataFrame(
            [_lab(run, i, lab, luck[run, i]) for run in range(runs) for i in range(len(QUARTERS)) for lab in LABS]
        ),
        "alignment": pd.DataFrame(
            [
                row
                for run in range(runs)
                for i in range(len(QUARTERS))
                for lab in LABS
                for row in _alignment(run, i, lab, luck[run, i])
            ]
        ),
        "deals": pd.DataFrame([deal for run in range(runs) for deal in _deals(run)]),
        "negotiations": pd.DataFrame([_negotiation(run, number) for run in range(runs) for number in range(10)]),
    }


def _growth(i: int, luck: float) -> float:
    return float(np.exp(0.09 * i + luck) * (1 + 0.0 * i))


def _market(run: int, i: int, luck: float) -> dict[str, object]:
    capacity = 1.2 * _growth(i, luck)
    return {
        "run": run,
        "quarter": QUARTERS[i],
        "forecast": QUARTERS[i] > LAST_FACT,
        "capacity_gw": capacity,
        "construction_gw": 0.4 * capacity,
        "capex_usd_bn": 22 * _growth(i, luck) * 0.75,
        "ai_capex_usd_bn": 3 * _growth(i, luck),
        "capex_big4_usd_bn": 15 * np.exp(0.067 * i + luck),
        "utilisation_frac": 0.86 + 0.05 * np.sin(i / 5) + 0.2 * luck,
        "price_usd_bn_per_gw_quarter": 3.1 - 0.015 * i + luck,
        "alignment_hhi": 9800 - 110 * i + 2500 * luck,
        "alignment_hhi_all": 9900 - 80 * i + 2000 * luck,
        "market_hhi": 2300 - 12 * i + 900 * luck,
        "backlog_hhi": 3600 - 20 * i + 1500 * luck,
        "circularity_frac": 0.04 + 0.003 * i + 0.1 * luck,
        "backlog_usd_bn": 4 * _growth(i, luck),
        "backlog_largest_lab_frac": 0.4,
        "deals_signed": i % 3,
        "deals_failed": i % 2,
        "equity_usd_bn": 0.3 * i,
        "commitment_usd_bn": 2.0 * i,
        "lab_revenue_annualised_usd_bn": 0.02 * _growth(i, luck) ** 2,
    }


def _provider(run: int, i: int, p: int, luck: float) -> dict[str, object]:
    share = (0.27, 0.25, 0.24, 0.07, 0.04, 0.13)[p]
    return {
        "run": run,
        "quarter": QUARTERS[i],
        "provider": PROVIDERS[p],
        "capacity_gw": 1.2 * share * _growth(i, luck),
        "capex_usd_bn": 17 * share * np.exp(0.067 * i + (1 + 0.2 * p) * luck),
        "ai_capex_usd_bn": 3 * share * _growth(i, luck),
        "utilisation_frac": 0.88,
        "cloud_share_frac": (0.29, 0.21, 0.14, 0.03, 0.01, 0.0)[p],
        "backlog_usd_bn": 4 * share * _growth(i, luck),
    }


def _lab(run: int, i: int, lab: str, luck: float) -> dict[str, object]:
    active = i >= _FOUNDED[lab]
    shares = _host_shares(lab, i)
    return {
        "run": run,
        "quarter": QUARTERS[i],
        "lab": lab,
        "active": active,
        "revenue_annualised_usd_bn": 0.004 * _SIZE[lab] * _growth(i, luck) ** 2 * active,
        "compute_gw": 0.02 * _SIZE[lab] * _growth(i, luck) * active,
        "cash_usd_bn": 1.0,
        "valuation_usd_bn": 10.0,
        "dependence_hhi": 10_000 * sum(share**2 for share in shares.values()) if active else np.nan,
        "owner": {"Google DeepMind": "Google", "Meta AI": "Meta"}.get(lab, ""),
        "primary_provider": max(shares, key=shares.__getitem__),
        "providers_count": len(shares),
    }


def _host_shares(lab: str, i: int) -> dict[str, float]:
    """All at the first host before 2024, then spread step by step to the final shares."""
    spread = min(max((i - 20) / 12, 0.0), 1.0)
    first = next(iter(_SHARES[lab]))
    shares = {provider: spread * share for provider, share in _SHARES[lab].items()}
    shares[first] += 1 - spread
    return {provider: share for provider, share in shares.items() if share > 0}


def _alignment(run: int, i: int, lab: str, luck: float) -> list[dict[str, object]]:
    if i < _FOUNDED[lab]:
        return []
    gw = 0.02 * _SIZE[lab] * _growth(i, luck)
    stakes = {
        ("OpenAI", "Microsoft"): 0.27,
        ("Anthropic", "Amazon"): 0.15,
        ("Anthropic", "Google"): 0.14,
        ("Google DeepMind", "Google"): 1.0,
        ("Meta AI", "Meta"): 1.0,
    }
    return [
        {
            "run": run,
            "quarter": QUARTERS[i],
            "lab": lab,
            "provider": provider,
            "delivered_gw": share * gw,
            "committed_usd_bn": 0.0 if lab in ("Google DeepMind", "Meta AI") else 40 * share * gw,
            "stake_frac": stakes.get((lab, provider), 0.0),
        }
        for provider, share in _host_shares(lab, i).items()
    ]


_DISCLOSED = (
    ("microsoft-openai-2019-07", "2019Q3", "Microsoft", "OpenAI", 1.0, 0.0, "exclusive"),
    ("microsoft-openai-2023-01", "2023Q1", "Microsoft", "OpenAI", 10.0, 0.0, "exclusive"),
    ("amazon-anthropic-2023-09", "2023Q3", "Amazon", "Anthropic", 4.0, 0.0, "primary"),
    ("google-anthropic-2023-02", "2023Q1", "Google", "Anthropic", 0.3, 0.0, "primary"),
    ("coreweave-openai-2025-03", "2025Q1", "CoreWeave", "OpenAI", 0.0, 11.9, "none"),
    ("oracle-openai-2025-07", "2025Q3", "Oracle", "OpenAI", 0.0, 300.0, "none"),
    ("amd-openai-2025-10", "2025Q4", "AMD", "OpenAI", 0.0, 0.0, "none"),
    ("nvidia-openai-2026-02", "2026Q1", "NVIDIA", "OpenAI", 30.0, 0.0, "none"),
    ("nvidia-xai-2025-11", "2025Q4", "NVIDIA", "xAI", 2.0, 0.0, "none"),
    ("softbank-openai-2025-03", "2025Q1", "SoftBank", "OpenAI", 30.0, 0.0, "none"),
)


def _deals(run: int) -> list[dict[str, object]]:
    disclosed = [
        _deal(run, n, slug, quarter, provider, lab, equity, committed, exclusivity, "disclosed")
        for n, (slug, quarter, provider, lab, equity, committed, exclusivity) in enumerate(_DISCLOSED)
    ]
    simulated = [
        _deal(
            run,
            n,
            f"{run}:{n}",
            QUARTERS[29 + n - 10],
            list(_SHARES[LABS[n % 2]])[n % 3],
            LABS[n % 2],
            0.0 if n % 4 else 5.0,
            20.0 + 3 * n,
            "none",
            "simulated",
        )
        for n in range(10, 20)
    ]
    return disclosed + simulated


def _deal(
    run: int,
    number: int,
    slug: str,
    quarter: str,
    provider: str,
    lab: str,
    equity: float,
    committed: float,
    exclusivity: str,
    origin: str,
) -> dict[str, object]:
    tranches = (
        [
            {"amount_usd_bn": 0.4 * equity, "trigger": "date", "threshold": quarter},
            {"amount_usd_bn": 0.6 * equity, "trigger": "gw_live", "threshold": 0.5},
        ]
        if equity > 0
        else []
    )
    warrants = [{"issuer": provider, "holder": lab, "stake_frac": 0.1, "trigger": "gw_live", "threshold": 1.0}]
    return {
        "run": run,
        "deal": slug,
        "number": number,
        "quarter": quarter,
        "provider": provider,
        "lab": lab,
        "origin": origin,
        "status": "active",
        "equity_usd_bn": equity,
        "upfront_usd_bn": 0.4 * equity,
        "pre_money_usd_bn": 100.0 if equity else np.nan,
        "stake_frac": equity / 100,
        "gw": committed / 50,
        "start_quarter": quarter,
        "term_quarters": 20,
        "commitment_usd_bn": committed,
        "price_usd_bn_per_gw_quarter": 2.8,
        "discount_frac": 0.08,
        "take_or_pay_frac": 0.7,
        "exclusivity": exclusivity,
        "exclusive_until": "2030Q1" if exclusivity == "exclusive" else "",
        "tranches": json.dumps(tranches),
        "warrants": json.dumps(warrants if provider == "AMD" else []),
        "imputed": "gw,price,ramp" if origin == "disclosed" else "",
        "events": json.dumps([[quarter, "signed"]]),
    }


def _negotiation(run: int, index: int) -> dict[str, object]:
    number = 10 + index
    components = {
        "lab": {"coverage": 3.1, "price": -0.4, "liquidity": 0.8, "lock_in": -0.9, "idle_risk": -0.3},
        "provider": {"margin": 2.2, "equity": 0.4, "exposure": -0.7},
    }
    return {
        "run": run,
        "number": number,
        "quarter": QUARTERS[29 + index],
        "lab": LABS[number % 2],
        "provider": list(_SHARES[LABS[number % 2]])[number % 3],
        "outcome": "signed",
        "reason": "",
        "deal": f"{run}:{number}",
        "rounds": 1,
        "joint_surplus_usd_bn": 4.2,
        "lab_utility_usd_bn": 2.3,
        "provider_utility_usd_bn": 1.9,
        "best_rival": "Oracle" if index % 2 else "",
        "best_rival_lab_utility_usd_bn": 1.7 if index % 2 else np.nan,
        "constraint": "rival floor" if index % 2 else "none",
        "trace": json.dumps(
            {
                "terms": {},
                "threat_points": {"lab": 0.0, "provider": 0.0},
                "components": components,
                "frontier": [[0, 4], [4, 0]],
                "distances": {"nash": 0.0, "kalai_smorodinsky": 0.12},
            }
        ),
    }
