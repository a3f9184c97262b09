// Each phrase is found in its example, in Markdown, in a comment and in a message, and its correction passes every rule.
import assert from "node:assert/strict";
import { test } from "node:test";
import { extract } from "../extract.js";
import { PHRASES } from "../phrases.js";
import { lint } from "../textlint.js";

const plain = (text) => text.replaceAll("`", "");
const faults = (path, text) => lint(extract(path, text));

for (const { pattern, bad, good, write } of PHRASES) {
  test(`"${bad}" is found, and "${good}" passes`, async () => {
    const [found, ...more] = await faults("page.md", `# Title\n\n${bad}\n`);
    assert.equal(found?.rule, "phrase", `${pattern} finds nothing in ${bad}`);
    assert.ok(found.message.endsWith(write), found.message);
    assert.equal(found.line, 3);
    assert.deepEqual(more, []);
    assert.deepEqual(await faults("page.md", `${good}\n`), []);
  });

  test(`"${bad}" is found in a comment and in a message`, async () => {
    for (const [path, comment] of [
      ["a.rs", `fn a() {}\n/// ${bad}\nfn b() {}\n`],
      ["a.nix", `{\n# ${bad}\n}\n`],
      ["a.py", `a = 1\n# ${bad}\n`],
      ["a.yml", `a: 1\n# ${bad}\n`],
      ["a.sh", `a=1\n# ${bad}\n`],
    ]) {
      assert.deepEqual((await faults(path, comment)).map(({ line, rule }) => [line, rule]), [[2, "phrase"]], path);
    }
    const [message, ...more] = await faults("a.rs", `\nlet a = "Some words come first: ${plain(bad)}";\n`);
    assert.deepEqual([message?.line, message?.rule, more], [2, "phrase", []]);
  });
}
