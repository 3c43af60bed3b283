// Comfort only: everything works without. Keys, copying, the words of a mark on hover, dropped files, live controls.
"use strict";
const one = (s, from = document) => from.querySelector(s), all = (s, from = document) => [...from.querySelectorAll(s)];
const writing = e => /^(input|textarea|select)$/i.test(e.target.tagName) || e.target.isContentEditable;

addEventListener("keydown", e => {
  if (e.ctrlKey || e.metaKey || e.altKey || writing(e)) return;
  if (e.key === "/") { e.preventDefault(); (one(".ask textarea") || one("#seek")).focus(); }
  if (e.key === "?") { e.preventDefault(); one("#keys").showModal(); }
});
addEventListener("click", e => {
  if (e.target.closest("[data-help]")) { e.preventDefault(); one("#keys").showModal(); }
  const button = e.target.closest("[data-copies]");
  if (button) navigator.clipboard?.writeText(button.previousElementSibling.textContent).then(() => { button.textContent = "✓"; });
});

// the words that a screen reader gets are shown to the mouse
const tip = document.createElement("div");
tip.className = "tip"; tip.hidden = true; tip.setAttribute("aria-hidden", "true");
document.body.append(tip);
addEventListener("mousemove", e => {
  const mark = e.target.closest?.("figure svg *"), words = mark && one(":scope > title", mark);
  tip.hidden = !words || mark.tagName === "svg";
  if (tip.hidden) return;
  tip.textContent = words.textContent;
  tip.style.left = Math.min(e.clientX + 14, innerWidth - tip.offsetWidth - 8) + "px";
  tip.style.top = Math.min(e.clientY + 14, innerHeight - tip.offsetHeight - 8) + "px";
});

// paper shows everything
let folded = [];
addEventListener("beforeprint", () => { folded = all("main details:not([open]), #sources:not([open])"); folded.forEach(d => { d.open = true; }); });
addEventListener("afterprint", () => { folded.forEach(d => { d.open = false; }); });

const target = () => { const d = location.hash.length > 1 && document.getElementById(location.hash.slice(1)); if (d && d.tagName === "DETAILS") { d.open = true; d.scrollIntoView(); } };
addEventListener("hashchange", target);

function ready() {
  target();
  for (const code of all("[data-copy]:not([data-ready])")) {
    code.dataset.ready = "1";
    if (code.hasAttribute("data-address")) code.textContent = new URL(code.textContent, location.href).href;
    if (code.hasAttribute("data-embed")) code.textContent = code.textContent.replace('src="/', `src="${location.origin}/`);
    const button = document.createElement("button");
    button.type = "button"; button.dataset.copies = ""; button.textContent = "⧉"; button.setAttribute("aria-label", "copy");
    code.after(button);
  }
  for (const form of all("[data-drop]:not([data-ready])")) {
    form.dataset.ready = "1";
    const file = one("[type=file]", form);
    form.addEventListener("dragover", e => { e.preventDefault(); form.classList.add("over"); });
    form.addEventListener("dragleave", () => form.classList.remove("over"));
    form.addEventListener("drop", e => { e.preventDefault(); form.classList.remove("over"); if (e.dataTransfer.files.length) file.files = e.dataTransfer.files; });
    form.addEventListener("submit", () => { if (file.files.length) one("textarea", form).disabled = true; });
  }
  // a slider over the days of change, in the place of the list
  for (const list of all("select[data-slider]:not([data-ready])")) {
    list.dataset.ready = "1";
    const range = document.createElement("input");
    range.type = "range"; range.min = 0; range.max = list.options.length - 1; range.value = list.selectedIndex;
    range.setAttribute("aria-label", list.getAttribute("aria-label"));
    range.setAttribute("aria-valuetext", list.selectedOptions[0]?.text ?? "");
    range.addEventListener("input", () => { list.selectedIndex = range.value; range.setAttribute("aria-valuetext", list.selectedOptions[0].text); });
    range.addEventListener("change", () => list.form.requestSubmit());
    list.addEventListener("change", () => list.form.requestSubmit());
    list.before(range);
  }
  // empty controls stay out of the address
  for (const form of all("form[method=get]:not([data-ready])")) {
    form.dataset.ready = "1";
    form.addEventListener("formdata", e => { for (const [name, value] of [...e.formData]) if (value === "") e.formData.delete(name); });
  }
}
document.addEventListener("htmx:after:swap", ready);
ready();
