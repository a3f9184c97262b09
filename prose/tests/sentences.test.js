// A sentence has a length, and no word twice in a row; a misspelt word is found.
import assert from "node:assert/strict";
import { test } from "node:test";
import { extract } from "../extract.js";
import { MAX_WORDS } from "../sentences.js";
import { lint } from "../textlint.js";

const rules = async (text, path = "page.md") => (await lint(extract(path, text))).map(({ rule }) => rule);
const sentence = (words) => `${Array.from({ length: words }, (_, index) => `w${index}`).join(" ")}.`;

test("a sentence that is too long is found, and one of the limit is not", async () => {
  assert.deepEqual(await rules(`${sentence(MAX_WORDS)} ${sentence(MAX_WORDS)}`), []);
  assert.deepEqual(await rules(`Short. ${sentence(MAX_WORDS + 1)}`), ["sentence"]);
});

test("a repeated word is found", async () => {
  assert.deepEqual(await rules("It is is here."), ["sentence"]);
  assert.deepEqual(await rules("It is. Is it? The words that that list has had had no end."), []);
});

test("a misspelt word is found, but not in a literal, which can be data", async () => {
  assert.deepEqual(await rules("The hosts recieve it."), ["spelling"]);
  assert.deepEqual(await rules("// The hosts recieve it.", "a.rs"), ["spelling"]);
  assert.deepEqual(await rules('let a = "The hosts recieve it all";', "a.rs"), []);
});
