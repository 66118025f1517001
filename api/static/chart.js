// Draws a chart when it comes into view. The library is loaded then and not before; without it the figures stay in their table.

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const load = (address) => new Promise((done, failed) => {
  const script = document.createElement("script");
  script.src = address;
  script.onload = done;
  script.onerror = failed;
  document.head.append(script);
});

function draw(place, { series }) {
  const colours = ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6"].map(token);
  const traces = series.map((one, n) => ({ ...one, type: "bar", marker: { color: colours[n % colours.length] }, hovertemplate: "%{y:,} %{fullData.name}<extra></extra>" }));
  const font = { family: token("--font"), size: 12, color: token("--ink-2") };
  const axis = { gridcolor: token("--line"), zeroline: false, fixedrange: true };
  const layout = {
    barmode: "stack", bargap: 0.25, height: 320, margin: { l: 48, r: 8, t: 8, b: 32 }, font, paper_bgcolor: "transparent", plot_bgcolor: "transparent",
    xaxis: { ...axis, type: "category", showgrid: false, nticks: 12, tickangle: 0 }, yaxis: { ...axis, tickformat: ",d" }, hovermode: "x unified",
    hoverlabel: { bgcolor: token("--ground"), bordercolor: token("--line-strong"), font: { ...font, color: token("--ink") } },
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, traceorder: "normal" },
  };
  return window.Plotly.react(place, traces, layout, { displayModeBar: false, responsive: true });
}

const seen = new IntersectionObserver(async (entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    await load(target.dataset.plotly);
    const data = JSON.parse(document.getElementById(target.dataset.of).textContent);
    await draw(target, data);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(target, data));
  }
});
document.querySelectorAll("[data-plotly]").forEach((place) => { place.hidden = false; seen.observe(place); });
