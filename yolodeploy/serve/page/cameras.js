// The site's cameras, where the server has any: their states, and what they see while one watches.

const CAMERAS_EVERY_MS = 3000;
const cameraCards = new Map();

async function refreshCameras() {
  let cameras = [];
  try {
    cameras = await (await asked("/cameras")).json();
  } catch (error) {
    // a server without cameras has no such path
    if (error instanceof Refusal && error.status === 404) return;
  }
  if (!Array.isArray(cameras)) return;
  byId("cameras").hidden = cameras.length === 0;
  for (const camera of cameras) {
    const card = cameraCards.get(camera.name) ?? cameraCard(camera.name);
    card.tell(camera);
  }
  setTimeout(refreshCameras, CAMERAS_EVERY_MS);
}

function cameraCard(name) {
  const phase = made("span", { kind: "phase" });
  const about = made("small");
  const image = made("img", { alt: "", hidden: true });
  const button = made("button", { type: "button", text: words.watch });
  const element = made("li", {},
    made("div", { kind: "view" }, image, button),
    made("div", { kind: "about" }, made("strong", { text: plain(name) }), phase, about));
  let watching = null;
  button.addEventListener("click", async () => {
    if (watching) return watching.abort();
    watching = new AbortController();
    button.textContent = words.stop;
    button.classList.add("quiet");
    image.hidden = false;
    await watch(name, image, watching.signal).catch((error) => {
      if (error.name !== "AbortError") about.textContent = error.message;
    });
    watching = null;
    button.textContent = words.watch;
    button.classList.remove("quiet");
    image.hidden = true;
  });
  const card = {
    tell(camera) {
      const warning = camera.black ? "black" : camera.frozen ? "frozen" : "";
      phase.className = `phase ${warning ? "warned" : plain(camera.phase)}`;
      phase.textContent = words[warning || camera.phase] ?? plain(camera.phase);
      const size = camera.width ? `${camera.width} × ${camera.height}` : "";
      const rate = camera.fps ? `${Number(camera.fps).toFixed(1)} fps` : "";
      if (!watching) about.textContent = plain(camera.reason || [size, rate, camera.codec].filter(Boolean).join(" · "));
    },
  };
  cameraCards.set(name, card);
  byId("cameraList").append(element);
  return card;
}

/** Shows an MJPEG stream. Read by hand: an `img` could bring no token, and could not be stopped. */
async function watch(name, image, signal) {
  const answer = await asked(`/cameras/${encodeURIComponent(name)}/view`, { signal });
  const reader = answer.body.getReader();
  let rest = new Uint8Array();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const joined = new Uint8Array(rest.length + value.length);
    joined.set(rest);
    joined.set(value, rest.length);
    rest = shown(joined, image);
  }
}

/** Shows the last whole JPEG in some bytes, and gives what follows it. */
function shown(bytes, image) {
  const from = marker(bytes, 0xd8, 0);
  const end = from < 0 ? -1 : lastEnd(bytes, from);
  if (end < 0) return bytes.length > 1 << 25 ? new Uint8Array() : bytes;
  let start = from;
  for (let next = from; next >= 0 && next < end; next = marker(bytes, 0xd8, next + 2)) start = next;
  URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(new Blob([bytes.subarray(start, end)], { type: "image/jpeg" }));
  return bytes.slice(end);
}

function marker(bytes, kind, from) {
  for (let at = from; at + 2 < bytes.length; at++) {
    if (bytes[at] === 0xff && bytes[at + 1] === kind && (kind !== 0xd8 || bytes[at + 2] === 0xff)) return at;
  }
  return -1;
}

function lastEnd(bytes, from) {
  for (let at = bytes.length - 2; at > from; at--) {
    if (bytes[at] === 0xff && bytes[at + 1] === 0xd9) return at + 2;
  }
  return -1;
}
