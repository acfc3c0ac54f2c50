"""Names and values of outcomes and factors as a reader sees them."""

from __future__ import annotations

from typing import Any

from visualization.chart import shown

_HEADLINES = {
    "alignment_hhi": "Alignment concentration",
    "market_hhi": "Market HHI",
    "mhhi_delta": "MHHI delta",
    "capacity_gw": "AI capacity",
    "sum(capex_usd_bn@last4)": "Capex, last four quarters",
    "price_usd_bn_per_gw_quarter": "Price of AI capacity",
    "utilisation_frac": "Utilisation",
    "lab_revenue_annualised_usd_bn": "Run-rate revenue of the labs",
    "circularity_frac": "Circularity",
    "adoption_frac": "Adoption",
    "sum(deals_signed)": "Deals signed",
    "sum(equity_usd_bn)": "Equity invested",
}


def spoken(outcome: str) -> str:
    """The name of a headline outcome in words; others as they are.

    >>> spoken("market_hhi"), spoken("ishigami")
    ('Market HHI', 'ishigami')
    """
    return _HEADLINES.get(outcome, outcome)


def written(value: Any) -> str:
    """A value of a factor as a reader writes it: flags in words, numbers short.

    >>> written(True), written(0.25), written("nash"), written(100000)
    ('true', '0.25', 'nash', '100,000')
    """
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return shown(value)
    return str(value)


def signed(value: float | None) -> str:
    """A difference with its sign, nil without one.

    >>> signed(1.5), signed(-0.25), signed(0.0), signed(None)
    ('+1.50', '−0.25', '0', '–')
    """
    if value is None or value == 0 or value != value:
        return shown(value)
    return ("+" if value > 0 else "−") + shown(abs(value))
