// What hands do, and the beginning.

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
