// One picture is shown, with its figures beside it.

function show(index) {
  current = index;
  render();
}

function render() {
  const one = pictures[current];
  byId("drop").hidden = Boolean(one?.image);
  byId("screen").classList.toggle("shown", Boolean(one?.image));
  canvas.hidden = !one?.image;
  byId("clear").hidden = pictures.length === 0;
  renderStrip();
  renderError(one?.error);
  renderFound(one);
  renderTime(one?.answer?.stages_ms);
  byId("curl").textContent = command(one?.file);
  const size = one?.answer ? ` · ${one.answer.width} × ${one.answer.height}` : "";
  byId("name").textContent = one ? plain(one.file.name) + size : "";
  redraw();
}

function redraw(pointed = -1) {
  const one = pictures[current];
  if (!one?.image) return;
  draw(one.image, one.drawn ? null : one.answer, pointed);
  canvas.setAttribute("aria-label", words.summary(one.answer ? countOf(one.answer) : 0, plain(one.file.name)));
}

const countOf = (answer) => (answer.probabilities ?? answer.boxes).length;

function renderStrip() {
  const strip = byId("strip");
  const focused = strip.contains(document.activeElement);
  strip.replaceChildren(...(pictures.length < 2 ? [] : pictures.map((one, index) => {
    one.thumb ??= URL.createObjectURL(one.file);
    const told = one.error ? "!" : one.answer ? String(countOf(one.answer)) : "…";
    const name = plain(one.file.name);
    const image = made("img", { src: one.thumb, alt: "" });
    // of a kind that browsers do not show: its name will do
    image.addEventListener("error", () => image.replaceWith(made("span", { text: name })));
    const button = made("button", { type: "button", kind: one.error ? "bad" : "", title: name },
      image, made("b", { text: told }));
    button.setAttribute("aria-label", `${name}: ${told}`);
    button.setAttribute("aria-current", String(index === current));
    button.addEventListener("click", () => show(index));
    return made("li", {}, button);
  })));
  if (focused) strip.querySelector("[aria-current=true]")?.focus();
}

function renderError(error) {
  const place = byId("error");
  place.hidden = !error;
  if (!error) return;
  const [text, remedy, code] = place.children;
  text.textContent = plain(error.status ? error.message : words.unreachable);
  remedy.textContent = plain(error.remedy ?? "");
  code.textContent = error.code ?? "";
}

function renderFound(one) {
  const answer = one?.answer;
  const rows = answer ? answer.probabilities ?? answer.boxes : [];
  byId("count").textContent = answer ? rows.length : "";
  const nothing = byId("nothing");
  nothing.hidden = rows.length > 0 && !one.drawn;
  nothing.textContent = one?.drawn ? words.drawnByServer : answer ? words.nothing : words.nothingYet;
  byId("found").replaceChildren(...rows.map((row, index) => foundRow(answer, row, index)));
}

function foundRow(answer, row, index) {
  const mark = made("i");
  mark.style.background = colourOf(row.class_id);
  const fill = made("i");
  fill.style.width = `${Math.round(row.score * 100)}%`;
  const name = plain(answer.classes[row.class_id] ?? row.class_id);
  const button = made("button", { type: "button", title: name },
    mark, made("span", { text: name }), made("div", { kind: "bar" }, fill),
    made("b", { kind: "figure", text: row.score.toFixed(2) }));
  if (!answer.probabilities) {
    let kept = false;
    const point = () => redraw(index);
    const leave = () => kept || redraw();
    for (const event of ["mouseenter", "focus"]) button.addEventListener(event, point);
    for (const event of ["mouseleave", "blur"]) button.addEventListener(event, leave);
    button.addEventListener("click", () => {
      kept = button.getAttribute("aria-pressed") !== "true";
      for (const other of byId("found").querySelectorAll("button")) other.setAttribute("aria-pressed", "false");
      button.setAttribute("aria-pressed", String(kept));
      redraw(kept ? index : -1);
    });
  }
  return made("li", {}, button);
}

function renderTime(stages) {
  byId("timeCard").hidden = !stages;
  if (!stages) return;
  const { total, ...parts } = stages;
  byId("total").textContent = ms(total);
  byId("stack").replaceChildren(...Object.entries(parts).map(([name, value]) => {
    const part = made("i", { kind: `s-${name}` });
    part.style.flex = String(value);
    return part;
  }));
  byId("stages").tBodies[0].replaceChildren(...Object.entries(parts).map(([name, value]) => {
    const head = made("th", { scope: "row" }, made("i", { kind: `s-${name}` }), words[name] ?? name);
    const share = total ? `${Math.round((100 * value) / total)} %` : "";
    return made("tr", {}, head, made("td", { text: ms(value) }), made("td", { text: share }));
  }));
}
