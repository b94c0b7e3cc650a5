// Renders /openapi.json: groups of operations, what each takes and gives, and the table of problems.
"use strict";

const byId = (id) => document.getElementById(id);

function node(tag, children = [], attributes = {}) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...[children].flat());
  return made;
}

function shape(schema, components, depth = 0) {
  if (!schema || Object.keys(schema).length === 0) return "any";
  if (schema.$ref) return named(schema.$ref, components, depth);
  if (schema.anyOf) return schema.anyOf.map((each) => shape(each, components, depth)).join(" | ");
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(" | ");
  if (schema.type === "array") return `[${shape(schema.items, components, depth)}]`;
  if (schema.type === "object" && schema.properties) return object(schema, components, depth);
  if (schema.type === "object" && typeof schema.additionalProperties === "object") {
    return `{ name: ${shape(schema.additionalProperties, components, depth)} }`;
  }
  return schema.type ?? "any";
}

function named(reference, components, depth) {
  const name = reference.split("/").pop();
  return depth > 3 ? name : shape(components[name], components, depth);
}

function object(schema, components, depth) {
  const pad = "  ".repeat(depth + 1);
  const required = new Set(schema.required ?? []);
  const lines = Object.entries(schema.properties).map(([name, property]) => {
    const about = property.description ? `  # ${property.description}` : "";
    return `${pad}${name}${required.has(name) ? "" : "?"}: ${shape(property, components, depth + 1)}${about}`;
  });
  return `{\n${lines.join("\n")}\n${"  ".repeat(depth)}}`;
}

function described(content, components) {
  const forms = Object.keys(content);
  const schema = Object.values(content).map((each) => each.schema).find(Boolean);
  const parts = [node("p", forms.join(", "), { class: "faint mono" })];
  const about = schema?.$ref && components[schema.$ref.split("/").pop()].description;
  if (about) parts.push(node("p", about));
  if (schema) parts.push(node("pre", shape(schema, components)));
  return parts;
}

function parameters(list) {
  const rows = list.map((each) => node("tr", [
    node("td", node("code", each.name)),
    node("td", `${each.in}${each.required ? ", needed" : ""}`, { class: "faint" }),
    node("td", [shape(each.schema, {}), each.schema.description ? `: ${each.schema.description}` : ""]),
  ]));
  return node("table", node("tbody", rows));
}

function operation(method, path, each, components) {
  const id = each.operationId;
  const summary = node("summary", [
    node("span", method.toUpperCase(), { class: `method ${method}` }),
    node("span", path, { class: "mono" }),
    node("span", each.summary, { class: "faint" }),
  ]);
  const parts = [];
  if (each["x-scope"]) parts.push(node("p", `Needs a key with the scope ${each["x-scope"]}.`, { class: "faint" }));
  if (each.parameters.length) parts.push(node("h3", "Parameters"), parameters(each.parameters));
  if (each.requestBody) parts.push(node("h3", "Body"), ...described(each.requestBody.content, components));
  for (const [status, answer] of Object.entries(each.responses)) {
    if (answer.content) parts.push(node("h3", `Answer ${status}`), ...described(answer.content, components));
  }
  return node("details", [summary, ...parts], { class: "operation card", id });
}

function problemsTable(list) {
  const head = node("tr", ["Code", "Status", "Meaning"].map((name) => node("th", name)));
  const rows = list.map((each) => node("tr", [
    node("td", node("code", each.code)), node("td", String(each.status)), node("td", each.title),
  ], { id: each.code }));
  return node("table", [node("thead", head), node("tbody", rows)]);
}

/** Text with `code` in it, as nodes. */
function prose(text) {
  return text.split("`").map((piece, i) => (i % 2 ? node("code", piece) : piece));
}

function render(description) {
  const components = description.components.schemas;
  byId("introduction").replaceChildren(...description.info.description.split("\n\n").map((text) => node("p", prose(text))));
  const sections = description.tags.map(({ name }) => {
    const section = node("section", node("h2", name));
    byId("contents").append(node("h2", name));
    for (const [path, methods] of Object.entries(description.paths)) {
      for (const [method, each] of Object.entries(methods)) {
        if (each.tags[0] !== name) continue;
        section.append(operation(method, path, each, components));
        const short = path.replace("/v1/workspaces/{workspace}", "…");
        const label = node("span", method.toUpperCase(), { class: `method ${method}` });
        byId("contents").append(node("a", [label, node("span", short)], { href: `#${each.operationId}` }));
      }
    }
    return section;
  });
  byId("contents").append(node("h2", "Problems"), node("a", "All codes", { href: "#problems" }));
  sections.push(node("section", [node("h2", "Problems", { id: "problems" }), problemsTable(description["x-problems"])]));
  byId("operations").replaceChildren(...sections);
  reveal();
}

function reveal() {
  const target = location.hash && byId(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target.tagName === "DETAILS") target.open = true;
  target.scrollIntoView();
}

addEventListener("hashchange", reveal);
fetch("/openapi.json").then((response) => response.json()).then(render);
