// Asking the server. The token lives in this variable and nowhere else.

let token = "";

class Refusal extends Error {
  constructor(status, told) {
    super(told.text || `HTTP ${status}`);
    this.status = status;
    this.code = told.code || "";
    this.remedy = told.remedy || "";
  }
}

async function asked(path, options = {}) {
  const headers = new Headers(options.headers);
  if (token) headers.set("authorization", `Bearer ${token}`);
  const answer = await fetch(path, { ...options, headers, credentials: "omit" });
  if (answer.ok) return answer;
  throw new Refusal(answer.status, await answer.json().catch(() => ({})));
}

/** What the sliders say, once they say anything: till then the release's own settings hold. */
function settings() {
  const sliders = ["conf", "iou"].map(byId).filter((slider) => "set" in slider.dataset);
  return new URLSearchParams(sliders.map((slider) => [slider.id, slider.value]));
}

async function detected(file, signal) {
  const answer = await asked(`/detect?${settings()}`, { method: "POST", body: file, signal });
  return answer.json();
}

async function drawnByServer(file, signal) {
  const query = settings();
  query.set("format", "annotated");
  const answer = await asked(`/detect?${query}`, { method: "POST", body: file, signal });
  return answer.blob();
}

/** The command line that does the same; a token is named there, not shown. */
function command(file) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const name = file && !/[\p{C}]/u.test(file.name) ? file.name : "picture.jpg";
  const lines = [`curl --data-binary ${quoted(`@${name}`)}`];
  if (token) lines.push(`-H "authorization: Bearer $TOKEN"`);
  lines.push(quoted(`${location.origin}/detect?${settings()}`));
  return lines.join(" \\\n  ");
}
