// The pictures: in they come, and each is asked about.

const pictures = []; // {file, image, thumb, answer, error, drawn}
let current = -1;
let round = new AbortController();

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
