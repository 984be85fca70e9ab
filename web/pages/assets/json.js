// JSON for reading: indented, with names, strings and numbers told apart by colour.

const part = /("(?:\\.|[^"\\])*")(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\b(?:true|false|null)\b/g;
const colourUpTo = 200_000; // characters; beyond, a browser takes long over the spans

// show replaces the content of `element`. Everything becomes text: an answer holds what
// strangers wrote.
export function show(element, value) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  if (typeof value === "string" || text.length > colourUpTo) {
    element.textContent = text;
    return;
  }
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(part)) {
    const shown = match[1] ?? match[0];
    const span = document.createElement("span");
    span.className = match[2] ? "name" : match[1] ? "string" : "number";
    span.textContent = shown;
    nodes.push(text.slice(end, match.index), span);
    end = match.index + shown.length;
  }
  element.replaceChildren(...nodes, text.slice(end));
}

// ids finds the newest id of each kind in an answer, by its prefix: {sess: "sess_…", …}.
export function ids(value, found = {}) {
  if (typeof value === "string") {
    const [, kind] = value.match(/^([a-z]+)_[0-9A-HJKMNP-TV-Z]{26}$/) ?? [];
    if (kind) found[kind] ??= value;
  } else if (value && typeof value === "object") {
    for (const each of Object.values(value)) ids(each, found);
  }
  return found;
}
