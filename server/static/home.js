// Counts the expression as it is typed, and shows what is wrong with it where it is wrong.
"use strict";

const byId = (id) => document.getElementById(id);
const expression = byId("expression");
const workspace = byId("workspace");
const key = byId("key");
const PAUSE = 120; // milliseconds of quiet before asking
let asked = 0;
let timer;

key.value = sessionStorage.getItem("key") ?? "";

async function call(method, path, body) {
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  if (key.value) headers.Authorization = `Bearer ${key.value}`;
  const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const answer = await response.json();
  if (response.status === 401) byId("keyed").hidden = false;
  return { ok: response.ok, answer };
}

function node(tag, text, name) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  return made;
}

const here = (rest) => `/v1/workspaces/${encodeURIComponent(workspace.value)}/${rest}`;
const number = (value) => value.toLocaleString();

async function count() {
  const mine = ++asked;
  const text = expression.value;
  const { ok, answer } = await call("POST", here("query/count"), { expression: text });
  if (mine !== asked) return; // a newer question is on its way
  byId("problems").replaceChildren(...(ok ? [] : problems(answer, text)));
  byId("answer").replaceChildren(...(ok ? counted(answer) : []));
}

function counted(answer) {
  const of = `of ${number(answer.total)} contacts, in ${answer.elapsed_ms.toFixed(2)} ms`;
  const parts = [node("strong", number(answer.count)), node("span", of, "faint")];
  if (answer.identified !== null) {
    parts.push(node("span", `${number(answer.identified)} identified, ${number(answer.anonymous)} anonymous`, "faint"));
  }
  return parts;
}

function problems(answer, text) {
  if (answer.problems.length === 0) return [problem({ message: answer.detail }, text)];
  return answer.problems.map((found) => problem(found, text));
}

function problem(found, text) {
  const box = node("div", undefined, "problem");
  box.append(node("b", found.message));
  if (found.hint) box.append(node("p", found.hint));
  if (found.span) box.append(node("pre", pointed(found.span, text)));
  if (found.expected?.length) box.append(node("p", `What may stand here: ${found.expected.join(", ")}`, "faint"));
  return box;
}

function pointed(span, text) {
  const characters = [...text]; // spans count characters, strings count UTF-16 units
  const line = text.split("\n")[span.line - 1] ?? "";
  const start = span.column - 1;
  const width = Math.max(1, Math.min(characters.slice(span.start, span.end).length, [...line].length - start));
  return `${line}\n${" ".repeat(start)}${"^".repeat(width)}`;
}

async function showFields() {
  const { ok, answer } = await call("GET", here("schema"));
  if (!ok) return;
  const fields = Object.keys(answer.contacts ?? {});
  const events = Object.keys(answer.events ?? {});
  const parts = [fields.length ? `Fields: ${fields.join(", ")}.` : "", events.length ? `Events: ${events.join(", ")}.` : ""];
  byId("fields").textContent = parts.join(" ");
}

async function begin() {
  const { ok, answer } = await call("GET", "/v1/workspaces");
  const names = ok ? answer.workspaces.map((each) => each.name) : ["default"];
  workspace.replaceChildren(...names.map((name) => new Option(name, name, name === "default", name === "default")));
  await Promise.all([count(), showFields()]);
}

expression.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(count, PAUSE); });
workspace.addEventListener("change", () => { count(); showFields(); });
key.addEventListener("change", () => { sessionStorage.setItem("key", key.value); begin(); });
begin();
