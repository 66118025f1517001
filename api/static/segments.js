// The editor of a segment: the count follows what is written, words go in by a click, a problem is marked at its place.

const form = document.querySelector("[data-condition]");
const field = form.querySelector("textarea");
const result = document.getElementById("result");
let timer, running, shown = field.value.trim();

const look = async () => {
  const written = field.value.trim();
  if (written === shown) return;
  shown = written;
  running?.abort();
  running = new AbortController();
  result.classList.add("busy");
  try {
    const address = new URL(form.dataset.condition, location.href);
    address.searchParams.set("condition", written);
    const answer = await fetch(address, { headers: { Accept: "text/html" }, signal: running.signal });
    if (answer.redirected || answer.status === 401) { location.reload(); return; }
    if (!answer.ok) throw new Error(String(answer.status));
    result.innerHTML = await answer.text();
  } catch (error) {
    if (error.name === "AbortError") return;
    result.innerHTML = '<div class="body"><p class="notice bad" role="alert">The condition could not be counted. Change it, or try again.</p></div>';
    shown = null;
  }
  result.classList.remove("busy");
  field.setAttribute("aria-invalid", String(Boolean(result.querySelector("[data-place]:not([data-unfinished])"))));
};

field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(look, 200); });
form.querySelectorAll("[data-without-script]").forEach((button) => (button.hidden = true));

// A click on the message goes to the place that it names.
result.addEventListener("click", (event) => {
  const place = event.target.closest("[data-place]")?.dataset.place.match(/line (\d+), column (\d+)/);
  if (!place) return;
  const before = field.value.split("\n").slice(0, Number(place[1]) - 1).join("\n");
  const at = (before ? before.length + 1 : 0) + Number(place[2]) - 1;
  field.focus();
  field.setSelectionRange(at, Math.min(at + 1, field.value.length));
});

document.addEventListener("click", (event) => {
  const word = event.target.closest("[data-word]")?.dataset.word;
  if (!word || field.readOnly) return;
  const start = field.selectionStart, left = field.value.slice(0, start), right = field.value.slice(field.selectionEnd);
  const gap = left && !/\s$/.test(left) && !/[([]$/.test(left) ? " " : "";
  field.value = `${left}${gap}${word}${right && !/^[\s)\]]/.test(right) ? " " : ""}${right}`;
  field.focus();
  field.setSelectionRange(start + gap.length + word.length, start + gap.length + word.length);
  field.dispatchEvent(new Event("input"));
});
