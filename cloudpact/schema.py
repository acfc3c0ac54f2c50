"""The result tables, documented once: table, column, type, unit, meaning.

The data dictionary in `docs/data-dictionary.md` is written from here, and so are the types and the
metadata of the Parquet files. A column that is removed, renamed or given another meaning raises
`SCHEMA_VERSION`; a new column does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SCHEMA_VERSION = 2

type ColumnType = Literal["int64", "float64", "bool", "str"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a result table; `unit` is empty for names and flags."""

    name: str
    dtype: ColumnType
    unit: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Table:
    """One result table and what a row of it stands for."""

    name: str
    row: str
    columns: tuple[Column, ...]

    @property
    def column_names(self) -> list[str]:
        """Names of the columns, in order."""
        return [column.name for column in self.columns]


def _number(name: str, unit: str, meaning: str) -> Column:
    return Column(name, "float64", unit, meaning)


def _count(name: str, unit: str, meaning: str) -> Column:
    return Column(name, "int64", unit, meaning)


def _text(name: str, meaning: str, unit: str = "") -> Column:
    return Column(name, "str", unit, meaning)


def _flag(name: str, meaning: str) -> Column:
    return Column(name, "bool", "", meaning)


USD = "USD bn"
USD_PER_QUARTER = "USD bn/quarter"
PRICE = "USD bn/(GW*quarter)"
HHI = "0-10000"

RUN = _count("run", "", "Replicate of the ensemble, from 0")
QUARTER = _text("quarter", "Calendar quarter, such as 2026Q3", "quarter")

MARKET = Table(
    "market",
    "one run and quarter",
    (
        RUN,
        QUARTER,
        _flag("forecast", "Whether the quarter lies after the last imposed fact"),
        _number("capacity_gw", "GW", "Installed AI capacity of all providers (IT load)"),
        _number("construction_gw", "GW", "AI capacity ordered and not yet delivered"),
        _number("capex_usd_bn", USD_PER_QUARTER, "Capex of all providers, comparable to their reports"),
        _number("ai_capex_usd_bn", USD_PER_QUARTER, "The part of capex that builds AI capacity"),
        _number("capex_big4_usd_bn", USD_PER_QUARTER, "Capex of Amazon, Microsoft, Google and Meta"),
        _number("utilisation_frac", "frac", "Used share of installed capacity, own use included"),
        _number("price_usd_bn_per_gw_quarter", PRICE, "List price of AI compute, weighted by capacity"),
        _number(
            "alignment_hhi",
            HHI,
            "Headline alignment concentration: mean over labs of the HHI of delivered compute by provider, weighted by the lab's compute, integrated labs left out",
        ),
        _number("alignment_hhi_all", HHI, "The same with integrated labs"),
        _number("alignment_committed_hhi", HHI, "The same measured by committed spend, integrated labs left out"),
        _number("alignment_equity_hhi", HHI, "The same measured by providers' stakes, seen through chains of holdings, integrated labs left out"),
        _number("market_hhi", HHI, "HHI of delivered AI compute by provider"),
        _number("market_cr3_frac", "frac", "Share of the three largest providers in delivered AI compute"),
        _number("market_effective_number", "count", "Effective number of providers: 10000 / market_hhi"),
        _number("market_gini", "0-1", "Gini coefficient of delivered AI compute over providers"),
        _number("backlog_hhi", HHI, "HHI of committed spend not yet delivered, by provider"),
        _number("cloud_hhi", HHI, "HHI of cloud revenue by provider"),
        _number("cloud_top3_frac", "frac", "Share of the three largest clouds in cloud revenue"),
        _number("mhhi_delta", HHI, "MHHI delta from common ownership, stakes silent (O'Brien and Salop 2000)"),
        _number("mhhi_delta_proportional", HHI, "MHHI delta with control proportional to the stake"),
        _number("mhhi_delta_total", HHI, "MHHI delta with the largest holder in total control"),
        _number("modularity", "-0.5-1", "Modularity of the lab-provider graph under the primary-provider partition"),
        _number("circularity_frac", "frac", "Share of providers' revenue from labs that their own equity paid for"),
        _number("organic_revenue_usd_bn", USD_PER_QUARTER, "AI revenue of providers net of their own investment"),
        _number("cycle_flow_usd_bn", USD_PER_QUARTER, "Money that runs in cycles among the parties"),
        _number("backlog_usd_bn", USD, "Committed spend not yet delivered, all providers"),
        _number("backlog_largest_lab_frac", "frac", "Share of the backlog owed by the largest lab"),
        _count("deals_signed", "count", "Deals signed in the quarter"),
        _count("deals_failed", "count", "Negotiations that ended without a deal in the quarter"),
        _number("equity_usd_bn", USD_PER_QUARTER, "Headline equity of the deals signed in the quarter"),
        _number("commitment_usd_bn", USD_PER_QUARTER, "Compute commitments of the deals signed in the quarter"),
        _number("lab_revenue_annualised_usd_bn", "USD bn/year", "Run-rate revenue of all labs"),
        _number("own_use_gw", "GW", "Capacity that providers use themselves"),
        _number("labs_gw", "GW", "Capacity delivered to labs, integrated ones included, and to other AI customers"),
        _number("stranded_gw", "GW", "Installed capacity that nobody uses"),
        _number("adoption_frac", "frac", "Share of enterprise demand that has adopted AI"),
        _number("off_incumbent_frac", "frac", "Share of enterprise AI workload off the enterprise's incumbent cloud"),
        _number("cloud_switching_frac", "frac/quarter", "Share of enterprises that changed their cloud in the quarter"),
        _number("model_switching_frac", "frac/quarter", "Share of adopters that changed their main lab in the quarter"),
        _number("cost_of_money", "USD/USD", "What a dollar more is worth to labs beyond a dollar, weighted by value"),
        _number("supply_limit_gw", "GW/quarter", "Capacity that world supply lets be ordered in the quarter"),
        _number("spot_fill_frac", "frac", "Share of the demand for spot capacity that is served"),
    ),
)

PROVIDERS = Table(
    "providers",
    "one run, quarter and provider",
    (
        RUN,
        QUARTER,
        _text("provider", "Name of the provider"),
        _number("capex_usd_bn", USD_PER_QUARTER, "Capex, comparable to the company's reports"),
        _number("ai_capex_usd_bn", USD_PER_QUARTER, "The part of capex that builds AI capacity"),
        _number("capacity_gw", "GW", "Installed AI capacity"),
        _number("construction_gw", "GW", "AI capacity ordered and not yet delivered"),
        _number("own_use_gw", "GW", "Capacity used by the provider itself, integrated labs apart (they are in the alignment table)"),
        _number("delivered_gw", "GW", "Capacity delivered to labs, integrated ones included, and to other AI customers"),
        _number("utilisation_frac", "frac", "Used share of installed capacity"),
        _number("price_usd_bn_per_gw_quarter", PRICE, "List price of AI compute"),
        _number("ai_revenue_usd_bn", USD_PER_QUARTER, "Revenue from AI compute"),
        _number("cloud_revenue_usd_bn", USD_PER_QUARTER, "Revenue from cloud services, AI compute included, as market trackers count it"),
        _number("cloud_share_frac", "frac", "Share of the market for cloud infrastructure services"),
        _number("backlog_usd_bn", USD, "Committed spend not yet delivered"),
        _number("cash_usd_bn", USD, "Cash at the end of the quarter"),
        _number("debt_usd_bn", USD, "Debt at the end of the quarter"),
        _number("stakes_usd_bn", USD, "Stakes in labs at the labs' last valuation"),
    ),
)

LABS = Table(
    "labs",
    "one run, quarter and lab that has entered and not failed",
    (
        RUN,
        QUARTER,
        _text("lab", "Name of the lab"),
        _flag("active", "Whether the lab has entered and not failed"),
        _number("revenue_annualised_usd_bn", "USD bn/year", "Run-rate revenue"),
        _number("compute_gw", "GW", "Compute delivered to the lab"),
        _number("need_gw", "GW", "Compute the lab could use"),
        _number("training_gw", "GW", "Delivered compute used for training"),
        _number("inference_gw", "GW", "Delivered compute used for inference"),
        _number("cash_usd_bn", USD, "Cash at the end of the quarter"),
        _number("valuation_usd_bn", USD, "Valuation at the end of the quarter"),
        _count("generation", "count", "Model generations released"),
        _number("capability", "log compute", "Capability of the newest released generation"),
        _number("dependence_hhi", HHI, "HHI of the lab's delivered compute by provider"),
        _text("owner", "Hyperscaler that owns the lab (integrated lab); empty for an independent one"),
        _text("primary_provider", "Provider of the largest part of the lab's compute; empty if it has none"),
        _count("providers_count", "count", "Providers that deliver compute to the lab"),
        _number("runway_quarters", "quarter", "Quarters until cash runs out at the present burn"),
        _number("committed_usd_bn", USD, "Compute the lab is committed to buy and has not received"),
        _number("cost_of_money", "USD/USD", "What a dollar more is worth to the lab beyond a dollar"),
        _number("provider_stake_frac", "frac", "Stakes of all providers in the lab"),
    ),
)

ALIGNMENT = Table(
    "alignment",
    "one run, quarter, lab and provider",
    (
        RUN,
        QUARTER,
        _text("lab", "Name of the lab"),
        _text("provider", "Name of the provider"),
        _number("delivered_gw", "GW", "Compute delivered by the provider to the lab"),
        _number("committed_usd_bn", USD, "Spend the lab is committed to with the provider and has not made"),
        _number("stake_frac", "frac", "Stake of the provider in the lab"),
    ),
)

DEALS = Table(
    "deals",
    "one run and deal",
    (
        RUN,
        _text("deal", "Slug of a disclosed deal, run:number of a simulated one"),
        _count("number", "count", "Number of the deal in its run's contract book"),
        _text("quarter", "Quarter of signing", "quarter"),
        _text("provider", "Name of the provider (or supplier)"),
        _text("lab", "Name of the lab"),
        _text("origin", "disclosed or simulated"),
        _text("kind", "new, renewal (of a contract of the pair that runs out) or amendment (of a clause in force)"),
        _text("amends", "For an amendment the deal whose clause it replaces; else empty"),
        _text("status", "proposed, signed, active, fulfilled, terminated or defaulted, at the end of the run"),
        _number(
            "equity_usd_bn", USD, "Headline equity: all tranches; negative where the provider gives shares to the lab"
        ),
        _number("upfront_usd_bn", USD, "The part of the equity paid at signing"),
        _number("pre_money_usd_bn", USD, "Pre-money valuation of the lab; 0 without equity"),
        _number("stake_frac", "frac", "Stake that all tranches together buy"),
        _number("gw", "GW", "Largest capacity promised in any quarter"),
        _text("start_quarter", "First quarter of delivery", "quarter"),
        _count("term_quarters", "quarter", "Quarters for which capacity is promised"),
        _number("commitment_usd_bn", USD, "Promised capacity over the term at the contract's price"),
        _number("price_usd_bn_per_gw_quarter", PRICE, "Contract price, after the discount"),
        _number("discount_frac", "frac", "Discount on the list price"),
        _number("take_or_pay_frac", "frac", "Share of the capacity made available that is owed, used or not"),
        _text("exclusivity", "none, primary, first_refusal or exclusive"),
        _text("exclusive_until", "Last quarter of the clause; empty if there is none or it has no end", "quarter"),
        _number("warrant_stake_frac", "frac", "Stake in the lab that its warrants give the provider"),
        _number("revenue_share_frac", "frac", "Share of the lab's revenue that the provider gets"),
        _text("tranches", "JSON: the parts of the equity and what each waits for"),
        _text("warrants", "JSON: the warrants and what each waits for"),
        _text("imputed", "Comma-separated names of the terms that are imputed, not disclosed"),
        _text("events", "JSON: what became of the deal, by quarter"),
    ),
)

NEGOTIATIONS = Table(
    "negotiations",
    "one run and negotiation, failed ones included",
    (
        RUN,
        _count("number", "count", "Number of the negotiation in its run"),
        QUARTER,
        _text("lab", "Name of the lab"),
        _text("provider", "Name of the provider"),
        _text("outcome", "signed, failed (no agreement) or lost (to a rival)"),
        _text("reason", "Why it ended as it did"),
        _text("deal", "The deal that was signed; empty if none"),
        _count("rounds", "count", "Rounds of bargaining"),
        _number("joint_surplus_usd_bn", USD, "Sum of both gains over no deal this round"),
        _number("lab_utility_usd_bn", USD, "The lab's gain over no deal this round"),
        _number("provider_utility_usd_bn", USD, "The provider's gain over no deal this round"),
        _text("best_rival", "Provider of the best rival offer; empty if none"),
        _number("best_rival_lab_utility_usd_bn", USD, "The lab's gain from the best rival offer"),
        _text("constraint", "Constraint that bound the outcome"),
        _text("protocol", "Protocol of the talks"),
        _text(
            "trace",
            "JSON, for signed deals: the whole problem, terms, components of both sides' gains, rivals; "
            "everything that `cloudpact explain` shows is computed from it",
        ),
    ),
)

RUNS = Table(
    "runs",
    "one run of a sweep",
    (
        _count("run", "", "Run of the sweep, from 0: point times replicates plus replicate"),
        _count("point", "", "Point of the design, from 0: its row in the table of parameters"),
        _count("replicate", "", "Replicate of the seed; the same number has the same luck at every point"),
        _text("key", "Content hash of the resolved scenario, seed, replicate, facts and code: equal inputs, equal key"),
        _count("same_as", "", "The run that was simulated; another one where an earlier run has the same key"),
        _text("status", "finished, failed (it raised), killed (it ended its process twice) or timed out"),
        _text("stage", "Where a failed run was: quarter and phase; empty if it finished"),
        _text("error", "What was raised, in one line; empty if it finished"),
        _text("traceback", "Where it was raised, in full; empty if it finished"),
        _number("seconds", "s", "Time that the run took; not part of the content hash"),
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in (MARKET, PROVIDERS, LABS, ALIGNMENT, DEALS, NEGOTIATIONS)}


def data_dictionary() -> str:
    """The data dictionary as Markdown."""
    parts = [
        "# Data dictionary",
        "",
        f"Schema version {SCHEMA_VERSION}. Written from `cloudpact/schema.py` by `python -m cloudpact.schema`; do not edit.",
        "",
        "Every table is a Parquet file of a run's folder and an attribute of `cloudpact.Results`. Money is nominal,",
        "flows are per quarter, capacity is IT load. The files carry the version, the units and the meanings as metadata.",
        "A sweep's folder holds the same tables with `run` counting over the whole sweep (a deal's name keeps its",
        "replicate), the table `runs`, and `parameters.parquet` with a row a point and a column a path.",
    ]
    for table in (*TABLES.values(), RUNS):
        parts += [
            "",
            f"## {table.name}",
            "",
            f"One row: {table.row}.",
            "",
            "| column | type | unit | meaning |",
            "|---|---|---|---|",
        ]
        parts += [f"| `{c.name}` | {c.dtype} | {c.unit} | {c.meaning} |" for c in table.columns]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    from pathlib import Path

    Path(__file__).parent.parent.joinpath("docs", "data-dictionary.md").write_text(data_dictionary(), encoding="utf-8")
