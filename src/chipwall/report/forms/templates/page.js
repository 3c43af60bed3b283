// Comfort only: the page reads, folds and prints without it, and asks nothing of any network.
const root = document.documentElement, save = (name, data, type) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(data instanceof Blob ? data : new Blob([data], { type }));
  link.download = name; link.click(); setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};
// a picture on its own has no page to take its colours from
const alone = svg => {
  const style = getComputedStyle(root), words = svg.outerHTML.replace(/var\((--[\w-]+)\)/g, (_, n) => style.getPropertyValue(n).trim());
  return words.replace(/(<svg[^>]*>)/, `$1<rect width="100%" height="100%" fill="${style.getPropertyValue("--fig-paper").trim()}"/>`).replace(/ class="(wide|narrow)"/, "");
};
const png = (svg, name) => {
  const image = new Image(), canvas = document.createElement("canvas"), box = svg.viewBox.baseVal;
  image.onload = () => { canvas.width = box.width * 2; canvas.height = box.height * 2; canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height); canvas.toBlob(b => save(name, b, "image/png")); };
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(alone(svg));
};
document.querySelectorAll("figure.chart").forEach(figure => figure.addEventListener("click", event => {
  const what = event.target.dataset && event.target.dataset.save, name = `${document.body.dataset.file}-${figure.dataset.name}.`, svg = figure.querySelector("svg");
  if (what === "svg") save(name + "svg", alone(svg), "image/svg+xml");
  if (what === "png") png(svg, name + "png");
  if (what === "csv") save(name + "csv", "\ufeff" + figure.querySelector("script").textContent.trim() + "\n", "text/csv");
}));
// a link into a fold opens it
const unfold = () => { for (let e = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1))); e; e = e.parentElement) if (e.tagName === "DETAILS") e.open = true; };
addEventListener("hashchange", unfold); unfold();
// paper shows every question, not every table of details
addEventListener("beforeprint", () => document.querySelectorAll("details.fold:not([open])").forEach(d => { d.open = true; d.dataset.folded = ""; }));
addEventListener("afterprint", () => document.querySelectorAll("details[data-folded]").forEach(d => { d.open = false; delete d.dataset.folded; }));
