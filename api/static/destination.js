// A destination: the preflight is read as the page opens and says whether there is anything to send; sending is asked for once, a delivery
// under way is followed.

function judge(form, verdict) {
  const button = form.querySelector("button");
  button.classList.toggle("primary", verdict === "some");
  button.disabled = verdict === "cannot" || (verdict === "nothing" && !("anyway" in form.dataset));
  for (const hint of form.querySelectorAll("[data-for]")) hint.hidden = hint.dataset.for !== verdict;
}

const form = document.querySelector("[data-send]");

const place = document.querySelector("[data-preflight]");
if (place) {
  place.innerHTML = '<div class="empty"><strong>Looking at everybody …</strong>This takes some seconds where many people are in the audience.</div>';
  place.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(place.dataset.preflight, { headers: { "X-Fragment": "1", Accept: "text/html" } });
    if (answer.redirected || answer.status === 401) location.reload();
    if (!answer.ok) throw new Error(String(answer.status));
    place.innerHTML = await answer.text();
    if (form) judge(form, place.querySelector("[data-verdict]").dataset.verdict);
  } catch {
    place.innerHTML = '<div class="body"><p class="notice bad" role="alert">The preflight could not be made. Load the page again.</p></div>';
  }
  place.removeAttribute("aria-busy");
}

form?.addEventListener("submit", () => {
  const button = form.querySelector("button");
  button.disabled = true;
  button.textContent = "Sending …";
});

const again = document.querySelector("[data-again]");
if (again) setTimeout(() => location.replace(again.dataset.again), 2500);
