// Pictures come in, one is shown, and the sliders ask anew.

const pictures = []; // {file, image, thumb, answer, error, drawn}
let current = -1;
let round = new AbortController();

// in ---------------------------------------------------------------------------------------------

function add(files) {
  const chosen = [...files].filter((file) => file.size);
  if (!chosen.length) return;
  const first = pictures.length;
  for (const file of chosen) pictures.push({ file, image: null, answer: null, error: null, drawn: false });
  show(first);
  detectAll(pictures.slice(first));
}

function clear() {
  round.abort();
  for (const one of pictures) if (one.thumb) URL.revokeObjectURL(one.thumb);
  pictures.length = 0;
  current = -1;
  render();
}

/** One after the other: the server's figures shall be those of a picture that comes alone. */
async function detectAll(some, again = false) {
  if (again) round.abort();
  if (round.signal.aborted) round = new AbortController();
  const { signal } = round;
  byId("busy").hidden = false;
  for (const one of some) {
    await detectOne(one, signal);
    if (signal.aborted) return;
    render();
  }
  byId("busy").hidden = true;
}

async function detectOne(one, signal) {
  try {
    one.image ??= await createImageBitmap(one.file).catch(() => null);
    one.answer = await detected(one.file, signal);
    one.error = null;
    if (!one.image || one.drawn) {
      one.image = await createImageBitmap(await drawnByServer(one.file, signal));
      one.drawn = true;
    }
  } catch (error) {
    if (signal.aborted) return;
    one.error = error;
    one.answer = null;
    if (error.status === 401) askForToken();
  }
}

// out --------------------------------------------------------------------------------------------

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

// what runs here ---------------------------------------------------------------------------------

function askForToken() {
  byId("tokenForm").hidden = false;
}

async function refreshState() {
  let state = "unreachable";
  try {
    state = (await fetch("/readyz")).ok ? "ready" : "notReady";
  } catch {}
  const place = byId("state");
  place.className = `state ${state === "ready" ? "ready" : "down"}`;
  place.querySelector("span").textContent = words[state];
  place.title = words[state];
  if (state === "ready" && byId("modelCard").hidden) await refreshInfo();
  setTimeout(refreshState, state === "ready" ? 10_000 : 2_000);
}

async function refreshInfo() {
  try {
    const info = await (await asked("/info")).json();
    if (!info.model) return;
    byId("tokenForm").hidden = true;
    tellInfo(info);
    refreshCameras();
  } catch (error) {
    if (error.status === 401) askForToken();
  }
}

function tellInfo({ app, release, engine, precision, threads, version, model, serving }) {
  const name = plain(app) || "yolodeploy";
  document.title = byId("app").textContent = name;
  byId("subtitle").textContent = [model.task, `${model.width} × ${model.height}`, engine, precision].map(plain).join(" · ");
  const facts = {
    app: app && plain(app),
    release: release && short(plain(release)),
    model: short(model.digest),
    task: plain(model.task),
    input: `${model.width} × ${model.height}`,
    classes: plain(model.classes.slice(0, 12).join(", ") + (model.classes.length > 12 ? " …" : "")),
    engine: plain(`${engine}, ${precision}`),
    threads,
    license: plain(model.license),
  };
  byId("facts").replaceChildren(...Object.entries(facts).filter(([, value]) => value).flatMap(
    ([key, value]) => [made("dt", { text: words[key] }), made("dd", { text: value })]));
  byId("modelCard").hidden = false;
  byId("version").textContent = `yolodeploy ${version}`;
  for (const key of ["conf", "iou"]) setSlider(key, serving[key]);
  render();
}

// hands ------------------------------------------------------------------------------------------

function setSlider(key, value) {
  byId(key).value = value;
  byId(key).dataset.set = "";
  byId(`${key}Out`).textContent = Number(value).toFixed(2);
}

const askAgain = settled(180, () => detectAll([...pictures].sort((one) => (one === pictures[current] ? -1 : 0)), true));
for (const key of ["conf", "iou"]) {
  byId(key).addEventListener("input", () => {
    setSlider(key, byId(key).value);
    byId("curl").textContent = command(pictures[current]?.file);
    if (pictures.length) askAgain();
  });
}

byId("files").addEventListener("change", (event) => {
  add(event.target.files);
  event.target.value = "";
});
byId("clear").addEventListener("click", clear);
byId("copy").addEventListener("click", async () => {
  await copied(byId("curl").textContent);
  byId("copy").textContent = words.copied;
  setTimeout(() => (byId("copy").textContent = words.copy), 1500);
});
byId("tokenForm").addEventListener("submit", async (event) => {
  event.preventDefault();
  token = byId("token").value.trim();
  await refreshInfo();
  if (pictures.length) detectAll([...pictures], true);
});

let above = 0; // a drag enters a child before it leaves its parent
addEventListener("dragenter", (event) => {
  if (!event.dataTransfer.types.includes("Files")) return;
  above += 1;
  byId("veil").hidden = false;
});
addEventListener("dragleave", () => {
  above = Math.max(above - 1, 0);
  byId("veil").hidden = above === 0;
});
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  above = 0;
  byId("veil").hidden = true;
  add(event.dataTransfer.files);
});
addEventListener("paste", (event) => add(event.clipboardData.files));
addEventListener("resize", settled(100, () => redraw()));

render();
refreshState();
