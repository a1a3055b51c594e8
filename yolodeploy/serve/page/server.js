// What runs here, and whether it answers.

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
