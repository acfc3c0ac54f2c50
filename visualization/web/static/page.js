const DARK = { "#0072B2": "#4DA3DD", "#D55E00": "#F0803C", "#009E73": "#2FC79A", "#7A7F87": "#A3ABB6" };
const history_replace = (query) => {
  const url = location.pathname + (query ? `?${query}` : "");
  if (query !== undefined && url !== location.pathname + location.search) history.replaceState(history.state, "", url);
};
