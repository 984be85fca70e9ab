// One operation to the server. A subscription comes back as server-sent events over the same
// fetch, because an EventSource could not send the key.

// send gives {status, body}: body is the decoded JSON, or text when it was none. Each event of
// a subscription goes to onEvent, and body is null.
export async function send({ query, variables, operationName, key, streaming, signal, onEvent }) {
  const headers = { "content-type": "application/json" };
  headers.accept = streaming ? "text/event-stream" : "application/graphql-response+json, application/json;q=0.9";
  if (key) headers.authorization = `Bearer ${key}`;
  const answer = await fetch("/graphql", {
    method: "POST",
    headers,
    body: JSON.stringify({ query, variables, operationName }),
    signal,
    credentials: "omit",
  });
  const status = `${answer.status} ${answer.statusText}`.trim();
  if (answer.headers.get("content-type")?.startsWith("text/event-stream")) {
    await readEvents(answer.body, onEvent);
    return { ok: true, status, body: null };
  }
  const text = await answer.text();
  try {
    return { ok: answer.ok, status, body: JSON.parse(text) };
  } catch {
    return { ok: answer.ok, status, body: text };
  }
}

// readEvents hands on the data of every `next` until `complete` or the end.
async function readEvents(stream, onEvent) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) {
      let event = "message";
      const data = [];
      for (const line of block.split(/\r?\n/)) {
        const [, field, content] = line.match(/^([^:]*):? ?(.*)$/);
        if (field === "event") event = content;
        if (field === "data") data.push(content);
      }
      if (event === "complete") return reader.cancel();
      if (event === "next") onEvent(JSON.parse(data.join("\n")));
    }
  }
}
