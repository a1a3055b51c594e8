// Parts of the page. Whatever comes from a model, a file or the server is set as text, never as HTML.

const byId = (id) => document.getElementById(id);

/** An element with text or children in it. */
function made(tag, { text, kind, ...properties } = {}, ...children) {
  const element = document.createElement(tag);
  if (kind) element.className = kind;
  if (text !== undefined) element.textContent = text;
  Object.assign(element, properties);
  element.append(...children);
  return element;
}

/** Text without what could reorder or hide the rest of a line: controls, direction marks. */
const plain = (text) => String(text).replace(/\p{C}/gu, "\u00b7").slice(0, 120);

const short = (digest) => digest.replace(/^sha256:/, "").slice(0, 12);
const ms = (value) => (value < 10 ? value.toFixed(2) : value.toFixed(1)) + " ms";

// Okabe and Ito's palette, in the order of the server's own drawing
const PALETTE = ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#ffffff"];
const colourOf = (classId) => PALETTE[classId % PALETTE.length];

/** Calls the latest of many calls, once it has been quiet for a while. */
function settled(wait, call) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...values), wait);
  };
}

async function copied(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // pages over plain HTTP have no clipboard
  const area = made("textarea", { value: text, kind: "unseen" });
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
