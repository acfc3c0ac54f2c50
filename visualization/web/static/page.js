const DARK = { "#0072B2": "#4DA3DD", "#D55E00": "#F0803C", "#009E73": "#2FC79A", "#7A7F87": "#A3ABB6" };
const history_replace = (query) => {
  const url = location.pathname + (query ? `?${query}` : "");
  if (query !== undefined && url !== location.pathname + location.search) history.replaceState(history.state, "", url);
};
const num = (value) => {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  const digits = size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 3;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
};
