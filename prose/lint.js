#!/usr/bin/env node
// Lints the English of files; without names, of every file that Git knows. `--commit` lints the last commit's message, too.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { extract, language } from "./extract.js";
import { lint } from "./textlint.js";

// Data, what others wrote, and what a program writes.
const EXCLUDED = [/^fuzz\/corpus\//, /^LICENSE$/, /(?:^|\/)(?:package-lock\.json|Cargo\.lock)$/, /^prose\/(?:phrases\.js|tests\/)/];

const git = (...command) => execFileSync("git", command, { encoding: "utf8" });

const named = process.argv.slice(2).filter((argument) => argument !== "--commit");
const files = (named.length > 0 ? named : git("ls-files").trimEnd().split("\n")).filter(
  (path) => !EXCLUDED.some((pattern) => pattern.test(path)),
);
const documents = [];
for (const path of files) {
  const text = readFileSync(path, "utf8");
  if (language(path, text) !== undefined) documents.push([path, extract(path, text)]);
}
if (process.argv.includes("--commit")) {
  const message = git("log", "-1", "--format=%B");
  const { text, places } = extract("message.md", message);
  // Only our phrases: a message can list what changed in one long sentence.
  documents.push(["the last commit's message", { text, places: places.map((place) => ({ ...place, literal: true })) }]);
}

let found = 0;
for (const [path, document] of documents) {
  for (const { line, column, message, rule } of await lint(document)) {
    console.log(`${path}:${line}:${column}: ${message} (${rule})`);
    found += 1;
  }
}
console.log(`${documents.length} texts, ${found} faults`);
process.exitCode = found > 0 ? 1 : 0;
