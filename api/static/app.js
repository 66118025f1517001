// What the pages do beyond plain HTML: keys, search as you type, filters that apply themselves. All of it works without this file.

const typing = (element) => element && (element.matches("input, textarea, select") || element.isContentEditable);

// A key that an element names in data-key focuses it, or follows it where it is a link. Escape leaves a field.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    document.querySelectorAll(".account[open]").forEach((menu) => (menu.open = false));
    if (typing(document.activeElement)) document.activeElement.blur();
    return;
  }
  if (typing(document.activeElement)) return;
  const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!target) return;
  event.preventDefault();
  if (target.matches("a")) target.click();
  else { target.focus(); target.select?.(); }
});

document.addEventListener("click", (event) => {
  document.querySelectorAll(".account[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
});

// Arrow keys walk through the rows of a list, from the search field into it and back.
document.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const rows = [...document.querySelectorAll("[data-list] a")].filter((row) => row.offsetParent);  // those that show
  const field = document.querySelector("[data-search] input");
  const at = rows.indexOf(document.activeElement);
  if (at < 0 && document.activeElement !== field) return;
  event.preventDefault();
  const next = at + (event.key === "ArrowDown" ? 1 : -1);
  (next < 0 ? field ?? rows[0] : rows[Math.min(next, rows.length - 1)])?.focus();
});

// Search as you type: the server's own result list takes the place of the last one; an answer that comes late is dropped.
const search = document.querySelector("[data-search]");
if (search) {
  const field = search.querySelector("input");
  const results = document.getElementById("results");
  let timer, running, shown = field.value.trim();
  const look = async () => {
    const q = field.value.trim();
    if (q === shown) return;
    shown = q;
    running?.abort();
    const idle = document.getElementById("idle");
    if (idle) idle.hidden = q !== "";
    const address = q ? `/?q=${encodeURIComponent(q)}` : "/";
    history.replaceState(null, "", address);
    if (!q) { results.replaceChildren(); return; }
    running = new AbortController();
    results.classList.add("busy");
    try {
      const answer = await fetch(address, { headers: { "X-Fragment": "1", Accept: "text/html" }, signal: running.signal });
      if (answer.redirected || answer.status === 401) { location.reload(); return; }
      results.innerHTML = await answer.text();
      results.classList.remove("busy");
    } catch (error) {
      if (error.name === "AbortError") return;
      results.classList.remove("busy");
      results.innerHTML = '<p class="notice bad" role="alert">The server does not answer. Press Enter to try again.</p>';
      shown = null;
    }
  };
  field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(look, 120); });
  search.addEventListener("submit", (event) => {
    event.preventDefault();
    const first = results.querySelector("[data-list] a");
    if (first && field.value.trim() === shown && !results.classList.contains("busy")) first.focus();
    else { clearTimeout(timer); look(); }
  });
  field.setSelectionRange(field.value.length, field.value.length);
}

// Filters apply themselves; their button is for pages without scripts.
document.querySelectorAll("form[data-auto]").forEach((form) => {
  form.querySelectorAll("[data-without-script]").forEach((button) => (button.hidden = true));
  form.addEventListener("change", () => form.requestSubmit());
});
