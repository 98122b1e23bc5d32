"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const FADED = "rgba(203, 208, 216, 0.35)";
  const strength = (edge) => Math.abs(edge.facts.weight);
  data.edges.forEach((edge, number) => { edge.id = number; });
  const nodes = new Map(data.nodes.map((node) => [node.id, node]));
  const effects = [...new Set(data.edges.map((edge) => edge.effect))].sort();
  const contexts = [...new Set(data.edges.map((edge) => edge.facts.context))].filter((c) => c !== undefined).sort();
  const lowest = Math.min(...data.edges.map(strength));
  const highest = Math.max(...data.edges.map(strength));
  const state = { q: "", min: lowest, effect: "", context: "", edge: null, sort: "weight", up: false };

  // ---- small helpers: all text goes in as text, never as markup
  const element = (tag, text, parent, attributes = {}) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (parent) parent.append(made);
    return made;
  };
  const plain = (value) => {
    if (value === undefined) return "";
    if (typeof value !== "number" || Number.isInteger(value)) return String(value);
    return Math.abs(value) < 1e-3 ? value.toExponential(2) : String(Number(value.toPrecision(4)));
  };
  const count = (number) => number.toLocaleString("en");
  const visible = (edge) => strength(edge) >= state.min
    && (!state.effect || edge.effect === state.effect)
    && (!state.context || edge.facts.context === state.context);

  // ---- the drawing
  // far out, names and marks of the regulators grow so that they stay readable: the busiest first,
  // as long as names do not meet
  const look = { zoom: 1, grow: 1, sizes: new Map() };
  const regulators = data.nodes.filter((node) => node.facts.is_tf).sort((a, b) => b.facts.out_degree - a.facts.out_degree);
  const setZoom = (zoom) => {
    const size = Math.max(13 / zoom, 15);
    const taken = [];
    Object.assign(look, { zoom, grow: Math.max(1, 0.55 / zoom), sizes: new Map() });
    for (const node of regulators) {
      const half = node.id.length * size * 0.3 + 6;
      if (taken.some((t) => Math.abs(t.x - node.x) < t.half + half && Math.abs(t.y - node.y) < size * 1.3)) continue;
      taken.push({ x: node.x, y: node.y, half });
      look.sizes.set(node.id, size);
    }
  };
  const drawnNode = (node, faded) => {
    const tf = node.facts.is_tf;
    return {
      id: node.id, label: node.id, x: node.x, y: node.y,
      shape: tf ? "diamond" : "ellipse", size: 13 * look.grow,
      color: {
        background: faded ? "#f6f7f9" : tf ? data.colours.tf : data.colours.gene,
        border: faded ? "#d9dde3" : data.colours.border,
        highlight: { background: tf ? "#ffe600" : "#cfe3f7", border: "#000000" },
      },
      borderWidth: tf ? 1.5 : 1,
      font: {
        size: look.sizes.get(node.id) || 14, color: faded ? "#c3c8d0" : data.colours.ink, multi: false,
        strokeWidth: tf ? 4 * look.grow : 0, strokeColor: "#ffffff", vadjust: tf ? -4 * look.grow : 0,
      },
    };
  };
  const siblings = new Map();
  const bend = (edge) => {
    const pair = JSON.stringify([edge.source, edge.target].sort());
    const rank = siblings.get(pair) || 0;
    siblings.set(pair, rank + 1);
    return rank;
  };
  data.edges.forEach((edge) => { edge.rank = bend(edge); });
  // vis-network draws halos under curves only: a straight edge with a halo is a curve without bend
  const straight = (edge) => (edge.dossier ? { enabled: true, type: "continuous", roundness: 0 } : false);
  const curve = (edge) => siblings.get(JSON.stringify([edge.source, edge.target].sort())) < 2
    ? straight(edge)
    : { enabled: true, type: edge.rank % 2 ? "curvedCW" : "curvedCCW", roundness: 0.12 * (1 + Math.floor(edge.rank / 2)) };
  const drawnEdge = (edge, faded) => ({
    id: edge.id, from: edge.source, to: edge.target, hidden: !visible(edge),
    color: { color: faded ? FADED : data.colours[edge.effect], highlight: data.colours[edge.effect], opacity: faded ? 0.35 : 0.85 },
    background: { enabled: Boolean(edge.dossier) && !faded, color: data.colours.dossier, size: (edge.width + 7) * look.grow },
    width: edge.width * look.grow, arrowStrikethrough: edge.effect === "represses", smooth: curve(edge), selectionWidth: 2,
    arrows: { to: { enabled: true, type: edge.effect === "represses" ? "bar" : "arrow", scaleFactor: 0.7 } },
  });
  const drawn = {
    nodes: new vis.DataSet(data.nodes.map((node) => drawnNode(node, false))),
    edges: new vis.DataSet(data.edges.map((edge) => drawnEdge(edge, false))),
  };
  const network = new vis.Network(byId("canvas"), drawn, {
    physics: false,
    interaction: { hover: false, keyboard: { enabled: true, bindToWindow: false }, tooltipDelay: 1e9 },
  });

  // ---- what is chosen, and what it means for the drawing
  const chosenNode = () => (nodes.has(state.q) ? state.q : null);
  const around = (name) => data.edges.filter(visible).flatMap((edge) => (
    edge.source === name ? [edge.target] : edge.target === name ? [edge.source] : []));
  const lookAt = (names) => {
    network.fit({ nodes: names, maxZoomLevel: 1.4, animation: false });
    network.moveTo({ scale: network.getScale() * 0.88 }); // room for the names at the rim
    if (rescaled()) refresh();
  };
  const rescaled = () => {
    const change = network.getScale() / look.zoom;
    if (change > 0.87 && change < 1.15) return false;
    setZoom(network.getScale());
    return true;
  };
  const refresh = () => {
    const shown = data.edges.filter(visible);
    const linked = new Set(shown.flatMap((edge) => [edge.source, edge.target]));
    const node = chosenNode();
    const edge = state.edge === null ? null : data.edges[state.edge];
    const near = new Set(node ? [node] : edge ? [edge.source, edge.target] : linked);
    if (node) for (const name of around(node)) near.add(name);
    const strong = (e) => (edge ? e === edge : !node || e.source === node || e.target === node);
    drawn.nodes.update(data.nodes.map((n) => ({ ...drawnNode(n, !near.has(n.id)), ...place(n), hidden: !linked.has(n.id) && n.id !== node })));
    drawn.edges.update(data.edges.map((e) => drawnEdge(e, !strong(e))));
    network.setSelection({ nodes: node ? [node] : [], edges: edge ? [edge.id] : [] }, { highlightEdges: false });
    tell(shown, linked);
    if (node) describeNode(node, shown); else if (edge) describeEdge(edge); else describeNothing();
    fillTable(shown);
    remember(shown, linked, node, near);
  };
  const place = (node) => {
    const at = network.getPosition(node.id);
    return { x: at.x, y: at.y };
  };
  const remember = (shown, linked, node, near) => {
    const facts = { nodes: linked.size, edges: shown.length, selected: node || "", near: near.size,
      edge: state.edge === null ? "" : `${data.edges[state.edge].source}|${data.edges[state.edge].target}` };
    Object.assign(document.body.dataset, facts);
    const hash = new URLSearchParams();
    if (state.q) hash.set("q", state.q);
    if (state.min > lowest) hash.set("min", state.min);
    if (state.effect) hash.set("effect", state.effect);
    if (state.context) hash.set("context", state.context);
    if (facts.edge) hash.set("edge", facts.edge);
    history.replaceState(null, "", `#${hash}`);
  };
  const choose = (name, { focus = false } = {}) => {
    state.edge = null;
    state.q = name;
    byId("search").value = name;
    byId("found").textContent = "";
    refresh();
    if (focus && nodes.has(name)) lookAt([name, ...around(name)]);
  };
  const chooseEdge = (number, { focus = false } = {}) => {
    Object.assign(state, { q: "", edge: number });
    byId("search").value = "";
    refresh();
    if (focus) lookAt([data.edges[number].source, data.edges[number].target]);
  };
  const find = (asked) => {
    const wanted = asked.trim().toUpperCase();
    const names = [...nodes.keys()];
    const exact = nodes.has(asked.trim()) ? asked.trim() : names.find((name) => name.toUpperCase() === wanted);
    const starts = names.filter((name) => name.toUpperCase().startsWith(wanted));
    const match = exact !== undefined ? exact : starts[0];
    if (!wanted) return choose("");
    if (match === undefined) {
      choose("");
      byId("search").value = asked;
      byId("found").textContent = `No gene named “${asked}” among those shown${data.table ? `; all edges are in ${data.table}` : ""}.`;
      return undefined;
    }
    choose(match, { focus: true });
    if (exact === undefined && starts.length > 1) byId("found").textContent = `${starts.length} names start so; the first is shown.`;
    return undefined;
  };

  // ---- words: counts, details, table, legend
  const tell = (shown, linked) => {
    let text = `Showing ${count(shown.length)} of ${count(data.total.edges)} edges, ${count(linked.size)} of ${count(data.total.nodes)} genes.`;
    if (data.table) text += ` This page holds ${data.how} (${count(data.edges.length)} edges); all are in ${data.table}.`;
    byId("counts").textContent = text;
    byId("least").textContent = plain(state.min);
  };
  const listFacts = (box, facts) => {
    const list = element("dl", undefined, box);
    for (const [key, value] of Object.entries(facts)) {
      element("dt", key.replaceAll("_", " "), list);
      element("dd", typeof value === "boolean" ? (value ? "yes" : "no") : plain(value), list);
    }
  };
  const listEdges = (box, title, edges, other) => {
    if (!edges.length) return;
    element("h3", `${title} (${count(edges.length)} shown)`, box);
    const list = element("ul", undefined, box);
    for (const edge of edges) {
      const button = element("button", undefined, element("li", undefined, list), { type: "button" });
      element("span", other(edge), button);
      const number = element("span", plain(edge.facts.weight), button);
      number.style.color = data.colours[edge.effect];
      button.addEventListener("click", () => chooseEdge(edge.id, { focus: true }));
    }
  };
  const link = (text, href, parent) => element("a", text, parent, { href, target: "_blank", rel: "noopener" });
  const listDossiers = (box, pairs) => {
    if (!pairs.length) return;
    element("h3", `Dossiers of pairs that are no edge shown (${count(pairs.length)})`, box);
    const list = element("ul", undefined, box);
    for (const pair of pairs) {
      const text = `${pair.source} → ${pair.target}${pair.context ? ` in ${pair.context}` : ""}`;
      link(text, pair.dossier, element("li", undefined, list));
    }
  };
  const cleared = () => { byId("details").replaceChildren(); return byId("details"); };
  const describeNode = (name, shown) => {
    const box = cleared();
    const { is_tf: tf, out_degree: targets, in_degree: regulators, ...more } = nodes.get(name).facts;
    element("h2", name, box);
    listFacts(box, { kind: tf ? "regulator" : "gene", targets, regulators, ...more });
    listEdges(box, "Targets", shown.filter((edge) => edge.source === name), (edge) => edge.target);
    listEdges(box, "Regulated by", shown.filter((edge) => edge.target === name), (edge) => edge.source);
    listDossiers(box, data.unlinked.filter((pair) => pair.source === name || pair.target === name));
  };
  const describeEdge = (edge) => {
    const box = cleared();
    element("h2", `${edge.source} ${edge.effect} ${edge.target}`, box);
    if (edge.dossier) link("Open the dossier", edge.dossier, element("p", undefined, box, { class: "dossier" }));
    listFacts(box, { effect: edge.effect, ...edge.facts });
    for (const name of [edge.source, edge.target]) {
      const button = element("button", `Show ${name}`, box, { type: "button" });
      button.addEventListener("click", () => choose(name, { focus: true }));
    }
  };
  const describeNothing = () => {
    const box = cleared();
    element("h2", "Click on a gene or an edge", box);
    element("p", "A gene shows its neighbourhood and its targets, an edge all that is known about it.", box);
    element("p", "Drag moves, the wheel zooms; a gene can be dragged aside.", box);
    if (hasDossiers) element("p", "An edge with a halo has a dossier: why it is one.", box);
    listDossiers(box, data.unlinked);
  };
  const hasDossiers = data.edges.some((edge) => edge.dossier);
  const columns = ["source", "target", "effect", ...data.columns];
  const cell = (edge, column) => (column in edge.facts ? edge.facts[column] : edge[column]);
  const compare = (a, b) => {
    const [u, v] = [a, b].map((edge) => (state.sort === "weight" ? strength(edge) : cell(edge, state.sort)));
    if (u === v) return a.id - b.id;
    if (u === undefined || v === undefined) return u === undefined ? 1 : -1;
    return (u < v ? -1 : 1) * (state.up ? 1 : -1);
  };
  const fillHead = () => {
    const row = element("tr", undefined, document.querySelector("thead"));
    for (const column of columns) {
      const button = element("button", column, element("th", undefined, row, { scope: "col" }), { type: "button" });
      button.addEventListener("click", () => {
        state.up = state.sort === column ? !state.up : column !== "weight";
        state.sort = column;
        refresh();
      });
    }
    if (hasDossiers) element("th", "dossier", row, { scope: "col", class: "plain" });
  };
  const fillTable = (shown) => {
    const rows = [...shown].sort(compare).map((edge) => {
      const row = element("tr", undefined, null, { tabindex: "0", "aria-selected": String(edge.id === state.edge) });
      for (const column of columns) element("td", plain(cell(edge, column)), row);
      const last = hasDossiers ? element("td", undefined, row) : null;
      if (edge.dossier) link("open", edge.dossier, last);
      row.addEventListener("click", () => chooseEdge(edge.id, { focus: true }));
      row.addEventListener("keydown", (event) => { if (event.key === "Enter" && event.target === row) chooseEdge(edge.id, { focus: true }); });
      return row;
    });
    document.querySelector("tbody").replaceChildren(...rows);
  };
  const sign = (parent, markup) => {
    const space = "http://www.w3.org/2000/svg";
    const picture = document.createElementNS(space, "svg");
    picture.setAttribute("viewBox", "0 0 38 18");
    for (const [tag, attributes] of markup) {
      const shape = document.createElementNS(space, tag);
      for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
      picture.append(shape);
    }
    parent.prepend(picture);
  };
  const fillLegend = () => {
    const edge = { stroke: data.colours.border };
    const shapes = [["regulator", [["path", { d: "M19 1 28 9 19 17 10 9Z", fill: data.colours.tf, ...edge }]]],
      ["gene", [["ellipse", { cx: 19, cy: 9, rx: 15, ry: 7, fill: data.colours.gene, ...edge }]]]];
    for (const effect of effects) {
      const colour = data.colours[effect];
      const tip = effect === "represses" ? "M34 3V15" : "M28 4 35 9 28 14";
      shapes.push([effect, [["path", { d: `M2 9H34 ${tip}`, fill: "none", stroke: colour, "stroke-width": 2.5 }]]]);
    }
    shapes.push(["width: |weight|", [["path", { d: "M2 5H36", stroke: "#555", "stroke-width": 1 }], ["path", { d: "M2 13H36", stroke: "#555", "stroke-width": 4 }]]]);
    if (hasDossiers) {
      const halo = { fill: "none", stroke: data.colours.dossier, "stroke-width": 10 };
      shapes.push(["has a dossier", [["path", { d: "M2 9H36", ...halo }], ["path", { d: "M2 9H36", stroke: "#555", "stroke-width": 2.5 }]]]);
    }
    for (const [text, markup] of shapes) sign(element("li", text, byId("legend")), markup);
  };

  // ---- controls
  const selector = (key, all, values) => {
    if (values.length < 2) return;
    const made = element("select", undefined, byId("choices"), { id: key, "aria-label": key });
    element("option", all, made, { value: "" });
    for (const value of values) element("option", value, made, { value });
    made.addEventListener("change", () => { state[key] = made.value; state.edge = null; refresh(); });
  };
  const setMin = (value) => {
    const asked = Number(value);
    state.min = Number.isFinite(asked) ? Math.min(Math.max(asked, lowest), highest) : lowest;
    byId("weight").value = state.min;
    if (asked <= lowest) state.min = lowest;
  };
  const connect = () => {
    const slider = byId("weight");
    Object.assign(slider, { min: lowest, max: highest, step: "any", value: lowest });
    slider.disabled = lowest === highest;
    slider.addEventListener("input", () => { setMin(slider.value); refresh(); });
    slider.addEventListener("keydown", (event) => {
      const way = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (!way) return;
      event.preventDefault();
      setMin(state.min + (way * (highest - lowest)) / 50);
      refresh();
    });
    for (const name of [...nodes.keys()].sort()) element("option", undefined, byId("names"), { value: name });
    selector("effect", "all effects", effects);
    selector("context", "all contexts", contexts);
    byId("controls").addEventListener("submit", (event) => { event.preventDefault(); find(byId("search").value); });
    byId("search").addEventListener("input", (event) => {
      if (nodes.has(event.target.value)) choose(event.target.value, { focus: true });
      if (!event.target.value) choose("");
    });
    byId("reset").addEventListener("click", () => {
      Object.assign(state, { q: "", min: lowest, effect: "", context: "", edge: null });
      byId("weight").value = lowest;
      for (const box of document.querySelectorAll("select")) box.value = "";
      choose("");
      lookAt([...nodes.keys()]);
    });
    byId("fit").addEventListener("click", () => lookAt([...nodes.keys()]));
    const zoomBy = (factor) => {
      network.moveTo({ scale: network.getScale() * factor });
      if (rescaled()) refresh();
    };
    byId("in").addEventListener("click", () => zoomBy(1.4));
    byId("out").addEventListener("click", () => zoomBy(1 / 1.4));
    network.on("zoom", () => { if (rescaled()) refresh(); });
    network.on("click", ({ nodes: [node], edges: [edge] }) => {
      if (node !== undefined) choose(node); else if (edge !== undefined) chooseEdge(edge); else choose("");
    });
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") choose(""); });
    window.addEventListener("hashchange", fromAddress);
  };
  const fromAddress = () => {
    const asked = new URLSearchParams(window.location.hash.slice(1));
    if (asked.has("min")) setMin(asked.get("min"));
    for (const [key, known] of [["effect", effects], ["context", contexts]]) {
      state[key] = known.includes(asked.get(key)) ? asked.get(key) : "";
      if (byId(key)) byId(key).value = state[key];
    }
    const number = data.edges.findIndex((edge) => `${edge.source}|${edge.target}` === asked.get("edge"));
    if (number >= 0) chooseEdge(number, { focus: true }); else find(asked.get("q") || "");
  };

  fillLegend();
  fillHead();
  connect();
  byId("made").textContent = Object.entries(data.params).map(([key, value]) => `${key} ${value}`).join(" · ");
  network.fit({ animation: false });
  setZoom(network.getScale());
  fromAddress();
  document.body.dataset.ready = "true";
})();
