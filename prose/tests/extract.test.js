// Each language gives its comments and messages with their places, and none of its code.
import assert from "node:assert/strict";
import { test } from "node:test";
import { extract } from "../extract.js";
import { lint } from "../textlint.js";

const BAD = "Whoever";

const CASES = {
  "a.rs": [
    'let url = "https://example.com"; // Whoever asks.',
    "/* Whoever asks. */",
    "/// Asks,\n/// and whoever asks.",
    'let raw = r#"a " // whoever"#; let quote = \'"\'; // Whoever asks.',
    'return Err("whoever asks for this is refused");',
    'return Err("asks for this is refused \\\n    whoever it is");',
  ],
  "a.py": ['a = "#"  # Whoever asks.', '"""Whoever asks."""', 'def a():\n    """Asks.\n\n    Whoever asks.\n    """', 'sys.exit(f"{a} is refused, whoever asks")'],
  "a.nix": ["# Whoever asks.", "a = ''\n  # Whoever asks.\n  true\n'';", 'a = "refused for ${b "c"}, whoever may ask";', "description = ''\n  Whoever asks.\n  It is refused here.\n'';"],
  "a.sh": ["a '#' # Whoever asks.", "\t# Whoever asks."],
  "a.yml": ["a: 1 # Whoever asks."],
  "a.toml": ['a = "#" # Whoever asks.'],
  "a.js": ["const a = /[/\"]/; // Whoever asks."],
  ".ci/run": ["#!/usr/bin/env bash\n# Whoever asks."],
};

for (const [path, sources] of Object.entries(CASES)) {
  for (const source of sources) {
    test(`${path}: ${JSON.stringify(source)}`, async () => {
      const found = await lint(extract(path, source));
      assert.equal(found.length, 1, JSON.stringify(found));
      const at = source.split("\n").findIndex((line) => line.toLowerCase().includes(BAD.toLowerCase()));
      const literal = /exit|Err|refused for|description/.test(source);
      assert.equal(found[0].line - 1, literal ? 0 : at);
    });
  }
}

test("code and data are no prose", async () => {
  for (const [path, source] of [
    ["a.rs", 'let whoever = "whoever";'],
    ["a.py", "whoever = '# whoever'"],
    ["a.nix", "a = ''\n  whoever\n'';"],
    ["a.md", 'It said: "whoever asks".'],
    ["a.md", "`whoever`\n\n```\nwhoever\n```\n\n<!-- textlint-disable -->\n\nwhoever\n\n<!-- textlint-enable -->\n"],
  ]) {
    assert.deepEqual(await lint(extract(path, source)), [], path);
  }
  assert.equal(extract("a.png", ""), undefined);
});
