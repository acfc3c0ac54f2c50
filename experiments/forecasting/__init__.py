"""Forecasts: ensembles over parameters, structures, stated scenarios and luck, frozen and scored later."""

from experiments.forecasting.making import forecast
from experiments.forecasting.result import Forecast

__all__ = ["Forecast", "forecast"]
