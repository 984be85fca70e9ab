// The schema's own documentation, from introspection: search, read, follow a type.

const typeRef = "name kind ofType { name kind ofType { name kind ofType { name kind } } }";
const input = `name description defaultValue type { ${typeRef} }`;
export const introspection = `query Schema {
  __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types {
      kind name description
      fields(includeDeprecated: true) { name description isDeprecated deprecationReason args { ${input} } type { ${typeRef} } }
      inputFields { ${input} }
      enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
      possibleTypes { name }
    }
  }
}`;

const mostHits = 60;

export class Docs {
  #types = new Map();
  #roots = [];
  #trail = [];
  #place;
  #trailPlace;

  constructor(place, trailPlace) {
    this.#place = place;
    this.#trailPlace = trailPlace;
  }

  // load takes the answer to `introspection` and shows the start.
  load({ __schema: schema }) {
    const own = schema.types.filter((type) => !type.name.startsWith("__"));
    this.#types = new Map(own.map((type) => [type.name, type]));
    this.#roots = [schema.queryType, schema.mutationType, schema.subscriptionType].filter(Boolean).map((type) => type.name);
    this.start();
  }

  start() {
    this.#trail = [];
    const rest = [...this.#types.keys()].filter((name) => !this.#roots.includes(name)).sort();
    this.#show(
      el("h3", {}, "Start here"),
      el("ul", { className: "types" }, ...this.#roots.map((name) => el("li", {}, this.#link(name)))),
      el("h4", {}, "All types"),
      el("ul", { className: "types" }, ...rest.map((name) => el("li", {}, this.#link(name)))),
    );
  }

  // search shows the types, fields and values whose name has `words` in it, else whose
  // description has.
  search(words) {
    const wanted = words.trim().toLowerCase();
    if (!this.#types.size) return;
    if (!wanted) return this.start();
    const byName = [];
    const byText = [];
    for (const type of this.#types.values()) {
      for (const member of [null, ...members(type)]) {
        const { name, description } = member ?? type;
        const entry = this.#hit(type, member);
        if (name.toLowerCase().includes(wanted)) byName.push(entry);
        else if (description?.toLowerCase().includes(wanted)) byText.push(entry);
      }
    }
    const hits = [...byName, ...byText];
    this.#trail = [];
    this.#show(
      el("p", { role: "status" }, hits.length === 1 ? "1 hit" : `${hits.length} hits${hits.length > mostHits ? `, the first ${mostHits} shown` : ""}`),
      el("dl", {}, ...hits.slice(0, mostHits).flat()),
    );
  }

  open(name) {
    const type = this.#types.get(name);
    if (!type) return;
    const before = this.#trail.indexOf(name);
    this.#trail = before >= 0 ? this.#trail.slice(0, before + 1) : [...this.#trail, name];
    const title = el("h3", { tabIndex: -1 }, `${kindWord(type.kind)} ${type.name}`);
    this.#show(
      title,
      ...paragraphs(type.description),
      ...(type.possibleTypes ?? []).map((each) => el("p", {}, "Is one of: ", this.#link(each.name))),
      el("dl", {}, ...members(type).flatMap((member) => this.#member(member))),
    );
    title.focus();
  }

  #hit(type, member) {
    const name = member ? [this.#link(type.name), `.${member.name}`] : [this.#link(type.name)];
    return [el("dt", {}, ...name), el("dd", {}, ...paragraphs((member ?? type).description))];
  }

  #member(member) {
    const signature = [el("span", { className: member.isDeprecated ? "deprecated" : "" }, member.name)];
    if (member.args?.length) {
      const args = member.args.flatMap((arg, i) => [i ? ", " : "", `${arg.name}: `, ...this.#ref(arg.type)]);
      signature.push("(", ...args, ")");
    }
    if (member.type) signature.push(": ", ...this.#ref(member.type));
    if (member.defaultValue != null) signature.push(` = ${member.defaultValue}`);
    const notes = (member.args ?? []).filter((arg) => arg.description).map((arg) => el("li", {}, el("code", {}, arg.name), " ", ...inline(arg.description)));
    const told = paragraphs(member.description);
    if (notes.length) told.push(el("ul", {}, ...notes));
    if (member.deprecationReason) told.push(el("p", {}, "Deprecated: ", ...inline(member.deprecationReason)));
    return [el("dt", {}, ...signature), el("dd", {}, ...told)];
  }

  // #ref writes a type as GraphQL does, its name to be followed.
  #ref(type) {
    if (type.kind === "NON_NULL") return [...this.#ref(type.ofType), "!"];
    if (type.kind === "LIST") return ["[", ...this.#ref(type.ofType), "]"];
    return [this.#link(type.name)];
  }

  #link(name) {
    if (!this.#types.has(name)) return name;
    return el("button", { type: "button", className: "type", onclick: () => this.open(name) }, name);
  }

  #show(...nodes) {
    this.#place.replaceChildren(...nodes);
    this.#place.scrollTop = 0;
    const crumbs = this.#trail.map((name) => this.#link(name));
    if (crumbs.length) crumbs.unshift(el("button", { type: "button", className: "type", onclick: () => this.start() }, "Schema"));
    this.#trailPlace.replaceChildren(...crumbs);
  }
}

function members(type) {
  return type.fields ?? type.inputFields ?? type.enumValues ?? [];
}

function kindWord(kind) {
  return { OBJECT: "type", INPUT_OBJECT: "input" }[kind] ?? kind.toLowerCase();
}

// paragraphs divides a description at empty lines.
function paragraphs(text) {
  return (text ?? "").split(/\n\s*\n/).filter(Boolean).map((each) => el("p", {}, ...inline(each)));
}

// inline turns what stands between backticks, every second piece, into code.
function inline(text) {
  return text.split("`").map((piece, i) => (i % 2 ? el("code", {}, piece) : piece));
}

function el(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}
