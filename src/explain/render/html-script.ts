/**
 * The script of the page, as text: it stands in the page itself, which loads nothing. Without it everything can still be read. It
 * writes no markup: cards are moved, texts are set as texts.
 */
export const pageScript = `
(() => {
  "use strict";
  const root = document.documentElement;
  const data = JSON.parse(document.getElementById("data").textContent);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // theme: what the system says, unless chosen
  const themes = ["auto", "light", "dark"];
  const toggle = document.getElementById("theme");
  const store = { get() { try { return localStorage.getItem("adjoint-theme"); } catch { return null; } },
    set(value) { try { localStorage.setItem("adjoint-theme", value); } catch { /* a page from disk may not store */ } } };
  let theme = themes.includes(store.get()) ? store.get() : "auto";
  const applyTheme = () => {
    if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
    toggle.textContent = "Theme: " + theme;
  };
  toggle.hidden = false;
  toggle.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    store.set(theme);
    applyTheme();
  });
  applyTheme();

  // the drawing
  const graph = document.getElementById("graph");
  const panel = document.getElementById("panel");
  const cards = document.getElementById("cards");
  const boxes = graph ? all(".box", graph) : [];
  const edges = graph ? all(".edge", graph) : [];
  let shown = null;
  let pinned = -1;

  const clear = () => {
    for (const element of [...boxes, ...edges]) element.classList.remove("near", "chosen");
    if (graph) graph.classList.remove("dimmed");
  };
  const mark = (numbers, dim) => {
    clear();
    const set = new Set(numbers);
    for (const i of set) boxes[i].classList.add("near");
    for (const edge of edges)
      if (set.has(Number(edge.dataset.from)) && set.has(Number(edge.dataset.to))) edge.classList.add("near");
    graph.classList.toggle("dimmed", dim && set.size > 0);
  };
  const show = (i) => {
    const card = document.getElementById("card-" + i);
    if (!card) return;
    if (shown) cards.append(shown);
    panel.replaceChildren(card);
    shown = card;
    panel.scrollTop = 0;
    clear();
    boxes[i].classList.add("chosen");
    for (const edge of edges) {
      const from = Number(edge.dataset.from), to = Number(edge.dataset.to);
      if (from !== i && to !== i) continue;
      edge.classList.add("near");
      boxes[from === i ? to : from].classList.add("near");
    }
  };
  const restore = () => { if (pinned >= 0) show(pinned); else clear(); };
  const focus = (i) => {
    for (const box of boxes) box.setAttribute("tabindex", "-1");
    boxes[i].setAttribute("tabindex", "0");
    boxes[i].focus();
  };
  const middle = (i) => {
    const { x, y, width, height } = boxes[i].getBoundingClientRect();
    return { x: x + width / 2, y: y + height / 2 };
  };
  // the nearest box in a direction: those joined by a line come first going up and down
  const towards = (i, key) => {
    const here = middle(i);
    const vertical = key === "ArrowUp" || key === "ArrowDown";
    const sign = key === "ArrowUp" || key === "ArrowLeft" ? -1 : 1;
    const joined = new Set(edges.flatMap(({ dataset }) =>
      key === "ArrowUp" && Number(dataset.to) === i ? [Number(dataset.from)]
        : key === "ArrowDown" && Number(dataset.from) === i ? [Number(dataset.to)] : []));
    let best = -1, least = Infinity;
    boxes.forEach((_, j) => {
      if (j === i) return;
      const there = middle(j);
      const along = (vertical ? there.y - here.y : there.x - here.x) * sign;
      const across = Math.abs(vertical ? there.x - here.x : there.y - here.y);
      if (along <= 1 || (!vertical && across > 30)) return;
      const distance = along + 2 * across + (vertical && !joined.has(j) ? 1e5 : 0);
      if (distance < least) { least = distance; best = j; }
    });
    return best;
  };
  boxes.forEach((box, i) => {
    box.addEventListener("pointerenter", () => { if (pinned < 0) show(i); });
    box.addEventListener("focus", () => { pinned = i; show(i); });
    box.addEventListener("click", () => focus(i));
    box.addEventListener("keydown", (event) => {
      const { key } = event;
      if (key === "Escape") { pinned = -1; clear(); return; }
      if (key === "Enter" || key === " ") { event.preventDefault(); panel.focus(); return; }
      const next = key === "Home" ? 0 : key === "End" ? boxes.length - 1 : key.startsWith("Arrow") ? towards(i, key) : -1;
      if (next < 0) return;
      event.preventDefault();
      focus(next);
    });
  });
  if (panel) panel.addEventListener("keydown", ({ key }) => { if (key === "Escape" && pinned >= 0) focus(pinned); });

  // the backward pass, step by step
  const slider = document.getElementById("backward");
  if (slider) {
    const said = document.getElementById("backward-said");
    const update = () => {
      const done = Number(slider.value);
      data.order.forEach((box, step) => boxes[box].classList.toggle("waiting", step >= done));
      const last = data.order[done - 1];
      const name = last === undefined ? "" : boxes[last].querySelector(".name").textContent.split(" = ")[0];
      said.textContent = done === 0 ? "forward only: values, no adjoints"
        : done === 1 ? "∂C/∂C = 1: where it starts"
        : done === data.order.length ? "complete: " + done + " adjoints"
        : done + " of " + data.order.length + ": the adjoint of " + name;
      return last;
    };
    slider.addEventListener("input", () => { const last = update(); if (last !== undefined) { pinned = -1; show(last); } });
    for (const [id, by] of [["backward-less", -1], ["backward-more", 1]])
      document.getElementById(id).addEventListener("click", () => {
        slider.value = String(Number(slider.value) + by);
        slider.dispatchEvent(new Event("input"));
      });
    document.getElementById("backward-controls").hidden = false;
    update();
  }

  // paths and the drawing point at each other
  const boxesOf = (nodes) => nodes.split(" ").flatMap((node) => data.boxOf[node] === undefined ? [] : [data.boxOf[node]]);
  if (graph)
    for (const link of all(".link[data-nodes]")) {
      const row = link.closest("tr") || link;
      row.addEventListener("pointerenter", () => mark(boxesOf(link.dataset.nodes), true));
      row.addEventListener("pointerleave", restore);
    }
  for (const path of all("details.path")) {
    const rows = all("tbody tr", path);
    if (rows.length === 0) continue;
    const bar = document.createElement("div");
    bar.className = "controls";
    const said = document.createElement("output");
    said.setAttribute("aria-live", "polite");
    let at = -1;
    const step = (by) => {
      at = Math.max(0, Math.min(rows.length - 1, at + by));
      rows.forEach((row, i) => { row.style.background = i === at ? "var(--soft)" : ""; row.style.opacity = i > at ? "0.4" : ""; });
      const cells = all("td", rows[at]);
      said.textContent = "factor " + (at + 1) + " of " + rows.length + (cells.length > 2 && cells[2].textContent ? ": product so far " + cells[2].textContent : "");
      if (graph) mark(all(".link", path).slice(0, at + 1).flatMap((link) => boxesOf(link.dataset.nodes)), true);
    };
    const button = (text, act) => {
      const made = document.createElement("button");
      made.type = "button";
      made.textContent = text;
      made.addEventListener("click", act);
      bar.append(made);
    };
    button("← Back", () => step(-1));
    button("Next factor →", () => step(1));
    button("Whole path", () => {
      at = -1;
      for (const row of rows) { row.style.background = ""; row.style.opacity = ""; }
      said.textContent = "";
      if (graph) mark(boxesOf(path.dataset.nodes), true);
    });
    bar.append(said);
    path.append(bar);
  }

  // a drawing wider than its frame starts in its middle
  if (graph) graph.parentElement.scrollLeft = (graph.parentElement.scrollWidth - graph.parentElement.clientWidth) / 2;
  // on paper nothing is folded away
  addEventListener("beforeprint", () => { for (const details of all("details")) details.open = true; });
})();
`;
