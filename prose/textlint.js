// textlint over a document of `extract`, with the rules of this folder and a list of common misspellings.
import { TextlintKernel, TextlintKernelDescriptor } from "@textlint/kernel";
import markdown from "@textlint/textlint-plugin-markdown";
import comments from "textlint-filter-rule-comments";
import misspellings from "textlint-rule-common-misspellings";
import { phrases, sentences } from "./sentences.js";

const plain = (module) => module.default ?? module;
const options = new TextlintKernelDescriptor({
  rules: [
    { ruleId: "phrase", rule: phrases },
    { ruleId: "sentence", rule: sentences },
    { ruleId: "spelling", rule: plain(misspellings) },
  ],
  // <!-- textlint-disable --> and <!-- textlint-enable -->, for a quotation.
  filterRules: [{ ruleId: "comments", rule: plain(comments), options: true }],
  plugins: [{ pluginId: "markdown", plugin: plain(markdown) }],
}).toKernelOptions();
const kernel = new TextlintKernel();

/** The faults of a document, each with its place in the file. */
export async function lint({ text, places }) {
  const { messages } = await kernel.lintText(text, { ext: ".md", filePath: "text.md", ...options });
  return messages.flatMap(({ line, column, message, ruleId }) => {
    const place = places[line - 1];
    // A literal can be data: only our phrases are searched in it.
    if (place.literal && ruleId !== "phrase") return [];
    return [{ line: place.line, column: place.literal ? place.column : place.column + column - 1, message, rule: ruleId }];
  });
}
