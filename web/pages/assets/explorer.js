// The page: what stands in it, and what happens when a key is pressed.
import { Docs, introspection } from "./docs.js";
import { operations } from "./document.js";
import { ids, show } from "./json.js";
import { send } from "./request.js";
import { samples } from "./samples.js";

const $ = (id) => document.getElementById(id);
const docs = new Docs($("reference"), $("trail"));
const seen = {}; // the newest id of each kind that an answer had
let running = null; // the AbortController of what runs now

// ---- what this tab remembers

function remembered(name) {
  try {
    return sessionStorage.getItem(`greenroom.${name}`);
  } catch {
    return null; // storage may be turned off
  }
}

function remember(name, value) {
  try {
    sessionStorage.setItem(`greenroom.${name}`, value);
  } catch {
    // the page works without
  }
}

function fill(id, fallback) {
  $(id).value = remembered(id) ?? fallback;
  $(id).addEventListener("input", () => remember(id, $(id).value));
}

function write(id, value) {
  $(id).value = value;
  remember(id, value);
}

// ---- the request

function useSample(sample) {
  write("query", sample.query);
  write("variables", sample.variables ? JSON.stringify(sample.variables(seen), null, 2) : "");
  listOperations();
}

// listOperations offers a choice when the document has several.
function listOperations() {
  const found = operations($("query").value);
  const chosen = $("operation").value;
  $("operation").replaceChildren(...found.map(({ kind, name }) => new Option(`${kind} ${name}`, name)));
  if (found.some(({ name }) => name === chosen)) $("operation").value = chosen;
  $("operation").hidden = found.length < 2;
}

function variables() {
  const text = $("variables").value.trim();
  $("variables").removeAttribute("aria-invalid");
  if (!text) return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    $("variables").setAttribute("aria-invalid", "true");
    $("variables").focus();
    throw new Error(`The variables are not JSON: ${error.message}`);
  }
}

async function run() {
  if (running) return running.abort();
  const began = performance.now();
  const seconds = () => `${((performance.now() - began) / 1000).toFixed(2)} s`;
  try {
    const found = operations($("query").value);
    const name = found.length > 1 ? $("operation").value : found[0]?.name;
    const streaming = found.find((each) => each.name === name)?.kind === "subscription";
    const request = { query: $("query").value, variables: variables(), operationName: name || undefined, key: $("key").value.trim() };
    running = new AbortController();
    $("run").textContent = "Stop";
    report("Running …");
    let events = 0;
    const { ok, status, body } = await send({
      ...request,
      streaming,
      signal: running.signal,
      onEvent(event) {
        answer(event);
        report(`Message ${++events} after ${seconds()}: still listening`);
      },
    });
    if (body !== null) answer(body);
    const wrong = !ok || body?.errors?.length > 0;
    report(`${status}, ${seconds()}${body === null ? `, complete after ${events} messages` : ""}`, wrong);
  } catch (error) {
    if (error.name === "AbortError") report(`Stopped after ${seconds()}`);
    else report(error instanceof TypeError ? "The server cannot be reached" : error.message, true);
  } finally {
    running = null;
    $("run").textContent = "Run";
  }
}

function answer(body) {
  show($("response"), body);
  Object.assign(seen, ids(body?.data));
  $("copy").hidden = !navigator.clipboard;
}

function report(text, wrong = false) {
  $("status").textContent = text;
  $("status").classList.toggle("bad", wrong);
}

// ---- the schema

async function loadSchema() {
  const note = document.createElement("p");
  $("reference").replaceChildren(note);
  note.textContent = "Loading …";
  try {
    const { body } = await send({ query: introspection, key: $("key").value.trim() });
    if (body?.data?.__schema) {
      $("load").textContent = "Load again";
      return docs.load(body.data);
    }
    note.textContent = body?.errors?.[0]?.message ?? "The server did not tell its schema.";
  } catch {
    note.textContent = "The server cannot be reached.";
  }
}

// ---- the page

function fillPage() {
  const titles = samples.map(({ title }, i) => new Option(`${i + 1}. ${title}`, i));
  $("sample").replaceChildren(new Option("Examples …", ""), ...titles);
  fill("key", document.querySelector('meta[name="greenroom-default-key"]')?.content ?? "");
  fill("query", samples[0].query);
  fill("variables", "");
  listOperations();
}

function listen() {
  $("request").addEventListener("submit", (event) => {
    event.preventDefault();
    run();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (!running) run();
  });
  $("sample").addEventListener("change", () => {
    if ($("sample").value !== "") useSample(samples[$("sample").value]);
    $("sample").value = ""; // so that the same one can be chosen again, with newer ids
  });
  $("query").addEventListener("input", listOperations);
  $("query").addEventListener("keydown", keepIndent);
  $("reveal").addEventListener("click", () => {
    const shown = $("key").type === "text";
    $("key").type = shown ? "password" : "text";
    $("reveal").textContent = shown ? "Show" : "Hide";
    $("reveal").setAttribute("aria-pressed", String(!shown));
  });
  $("copy").addEventListener("click", async () => {
    await navigator.clipboard.writeText($("response").textContent);
    report("Copied");
  });
  $("load").addEventListener("click", loadSchema);
  $("key").addEventListener("change", loadSchema);
  $("search").addEventListener("input", () => docs.search($("search").value));
}

// keepIndent begins a new line under the one before it. Tab stays the way out of the box.
function keepIndent(event) {
  if (event.key !== "Enter" || event.ctrlKey || event.metaKey || event.isComposing) return;
  const box = event.target;
  const before = box.value.slice(0, box.selectionStart);
  const [indent] = before.slice(before.lastIndexOf("\n") + 1).match(/^ */);
  const deeper = /[{(]\s*$/.test(before) ? "  " : "";
  event.preventDefault();
  box.setRangeText(`\n${indent}${deeper}`, box.selectionStart, box.selectionEnd, "end");
  box.dispatchEvent(new Event("input"));
}

fillPage();
listen();
if ($("key").value) loadSchema();
else $("reference").textContent = "Give a key above to read the schema.";
