// Keys for what the page's own buttons and links do. Without this file everything can still be read and decided.
"use strict";

const say = (words, stays = false) => {
  const said = document.getElementById("said");
  said.textContent = words;
  clearTimeout(say.timer);
  if (!stays) say.timer = setTimeout(() => { said.textContent = ""; }, 2500);
};

const all = (selector) => [...document.querySelectorAll(selector)];
const compared = () => document.querySelector("#compared input[name=compared]");

// n and p: from change to change, from repair to repair.
let at = null;
const stops = () => all("main [data-stop]").filter((stop) => stop.getClientRects().length);
const move = (step) => {
  const now = stops().indexOf(at);
  const last = stops().length - 1;
  if (last < 0) return say("No change to go to");
  const next = now < 0 ? (step > 0 ? 0 : last) : now + step;
  if (next < 0 || next > last) return say(step > 0 ? "That was the last one" : "That was the first one");
  stand(stops()[next]);
};
const stand = (stop) => {
  at?.classList.remove("at");
  at = stop;
  at.classList.add("at");
  at.focus({ preventScroll: true });
  at.scrollIntoView({ block: "center" });
};

// Arrows: in a cluster to the next member, in a list to the next row.
const step = (by) => {
  const members = all(".members tr[data-article]").filter((row) => row.querySelector("[data-compare]"));
  if (members.length) {
    const now = members.findIndex((row) => row.getAttribute("aria-current"));
    const next = members[now + by];
    if (!next) return say(by > 0 ? "That is the last member here" : "That is the first member");
    next.querySelector("[data-compare]").click();
    next.scrollIntoView({ block: "nearest" });
    return;
  }
  const rows = all(".list .row-link, .list [data-row]");
  const next = rows[rows.indexOf(document.activeElement) + by] || rows[by > 0 ? 0 : rows.length - 1];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
};

const tick = () => {
  const row = document.activeElement.closest(".list li");
  const box = compared() ? document.querySelector(`input[name=ticked][value="${compared().value}"]`) : row?.querySelector("input[type=checkbox]");
  if (!box) return;
  box.checked = !box.checked;
  box.dispatchEvent(new Event("change", { bubbles: true }));
  say(box.checked ? "Ticked" : "No longer ticked");
};

// Ticks last from page to page of a large cluster or story: those of other pages go with the form as hidden fields.
const ticks = document.querySelector("main [name=digest]")?.form;
const kept = ticks && `ticks ${ticks.elements.digest.value}`;
const ticked = new Set(JSON.parse((kept && sessionStorage.getItem(kept)) || "[]"));
const boxes = () => all("input[type=checkbox][name=ticked]");
const countTicks = () => all("[data-count]").forEach((count) => { count.textContent = ticked.size || ""; });
if (ticks) {
  boxes().forEach((box) => { box.checked = ticked.has(box.value); });
  const here = new Set(boxes().map((box) => box.value));
  [...ticked].filter((value) => !here.has(value)).forEach((value) => {
    ticks.append(Object.assign(document.createElement("input"), { type: "hidden", name: "ticked", value }));
  });
  countTicks();
}
document.addEventListener("change", ({ target }) => {
  if (target.name !== "ticked") return;
  target.checked ? ticked.add(target.value) : ticked.delete(target.value);
  sessionStorage.setItem(kept, JSON.stringify([...ticked]));
  countTicks();
});

const undoRepair = () => {
  const seq = at?.dataset.seq;
  if (at?.hasAttribute("data-row")) {
    const button = at.querySelector("form button");
    return button ? button.click() : say("It is refused already");
  }
  if (seq === undefined) return say("Go to a repair first, with n and p");
  const form = document.getElementById("undo-repair");
  form.elements.article.value = at.dataset.article;
  form.elements.seq.value = seq;
  form.requestSubmit();
};

const special = { n: () => move(1), p: () => move(-1), ArrowDown: () => step(1), ArrowUp: () => step(-1), t: tick, r: undoRepair };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const inDialog = document.querySelector("dialog[open]");
  const box = event.target.closest("input:not([type=checkbox]), textarea, select");
  if (box) {
    // Browsers empty a search box at Escape; here it only leaves the box, and what was found stays.
    if (event.key === "Escape") { event.preventDefault(); box.blur(); }
    if (event.key === "ArrowDown" && box.type === "search") { event.preventDefault(); step(1); }
    return;
  }
  if (inDialog) return;
  const key = event.key;
  if (key === "Enter" && event.target.matches("input[type=checkbox]")) { event.preventDefault(); event.target.form.requestSubmit(); return; }
  if (key === "?") { event.preventDefault(); document.getElementById("keys").showModal(); return; }
  if (special[key]) { event.preventDefault(); special[key](); return; }
  const target = document.querySelector(`main [data-key="${CSS.escape(key)}"], .recent [data-key="${CSS.escape(key)}"]`);
  if (!target || event.repeat) return;
  event.preventDefault();
  if (target.matches("input")) { target.focus(); target.select(); } else { target.click(); }
});

document.addEventListener("click", (event) => {
  if (event.target.closest("a.keys")) { event.preventDefault(); document.getElementById("keys").showModal(); }
});

document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (button?.dataset.ticks && ticked.size < Number(button.dataset.ticks)) {
    event.preventDefault();
    say(button.dataset.needs);
    return;
  }
  // A key that is held down, or a second click, must not decide about what comes next.
  if (event.target.method === "post") {
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "1";
    if (event.target === ticks) sessionStorage.removeItem(kept);
    setTimeout(() => say("At work …", true), 500);
    // Undoing repairs one after the other goes on where it was.
    if (event.target.action.endsWith("/repairs/undo")) sessionStorage.setItem("stood", JSON.stringify([location.pathname, stops().indexOf(at)]));
  }
});
document.querySelector(".members tr[aria-current]")?.scrollIntoView({ block: "nearest" });

const [path, stood] = JSON.parse(sessionStorage.getItem("stood") || "[]");
sessionStorage.removeItem("stood");
if (path === location.pathname && stops()[stood]) stand(stops()[stood]);

window.addEventListener("pageshow", () => {
  all("form[data-sent]").forEach((form) => { delete form.dataset.sent; });
  say("");
});

// After another member was laid beside the canonical: mark its row and its place in the graph.
document.addEventListener("htmx:afterSwap", () => {
  at = null;
  const id = compared()?.value;
  if (!id) return;
  all(".members tr[data-article]").forEach((row) => {
    const current = row.dataset.article === id;
    current ? row.setAttribute("aria-current", "true") : row.removeAttribute("aria-current");
    if (current) all(".graph .node").forEach((node) => node.classList.toggle("current", node.dataset.article === id));
  });
});
