// What the page needs to know of a GraphQL document without parsing it: which operations it
// has. The server finds what is wrong with it.

const token = /"""(?:\\"""|[^])*?"""|"(?:\\.|[^"\\\n])*"|#[^\n]*|@\w+|[{}()]|[_A-Za-z]\w*/g;
const kinds = new Set(["query", "mutation", "subscription"]);

// operations lists {kind, name} in order; a document that is only `{ … }` is a query without a
// name.
export function operations(text) {
  const found = [];
  let depth = 0;
  let definition = null; // the one that is being read
  for (const [word] of text.matchAll(token)) {
    if (/["#@]/.test(word[0])) continue;
    if (depth === 0 && /\w/.test(word[0])) {
      if (definition) definition.name ||= word;
      else {
        definition = { kind: word, name: "" };
        if (kinds.has(word)) found.push(definition);
      }
    }
    if (word === "{" && !definition) found.push((definition = { kind: "query", name: "" }));
    if (word === "{" || word === "(") depth++;
    if (word === "}" || word === ")") depth--;
    if (word === "}" && depth === 0) definition = null;
  }
  return found;
}
