// Two rules of textlint: PHRASES in each paragraph, table cell and heading, and sentences that are too long to follow.
import { PHRASES } from "./phrases.js";

export const MAX_WORDS = 40;

/** The text of a node, and where each part of it begins in the node's own source. */
function flatten(node) {
  let text = "";
  const parts = [];
  const walk = (child) => {
    parts.push({ at: text.length, source: child.range[0] - node.range[0] });
    // Inline code is one word; a linked title is a noun, whatever it begins with.
    if (child.type === "Code" || (child.type === "Link" && /^\[(?:Who|What)\b/.test(child.raw))) text += "`x`";
    else if (child.type === "Str") text += child.value.replaceAll("\n", " ");
    else if (child.type === "Break") text += " ";
    else for (const inner of child.children ?? []) walk(inner);
  };
  walk(node);
  const source = (index) => {
    const part = parts.findLast(({ at }) => at <= index);
    return part.source + index - part.at;
  };
  // Words in quotation marks are somebody else's.
  text = text.replace(/"[^"]{1,100}"/g, (quoted) => `"${"x".repeat(quoted.length - 2)}"`);
  return { text, source };
}

export function phrases({ Syntax, RuleError, report, locator }) {
  const check = (paragraph) => (node) => {
    const { text, source } = flatten(node);
    for (const { pattern, write, opening } of PHRASES) {
      if (opening && !paragraph) continue;
      for (const { 0: found, index } of text.matchAll(pattern)) {
        report(node, new RuleError(`"${found.trim()}": write ${write}`, { padding: locator.at(source(index)) }));
      }
    }
  };
  return { [Syntax.Paragraph]: check(true), [Syntax.Header]: check(false), TableCell: check(false) };
}

export function sentences({ Syntax, RuleError, report, locator }) {
  return {
    [Syntax.Paragraph](node) {
      const { text, source } = flatten(node);
      for (const { 0: sentence, index } of text.matchAll(/\S(?:[^.!?]|[.!?](?!\s))*[.!?]?/g)) {
        const fault = (at, message) =>
          report(node, new RuleError(message, { padding: locator.at(source(index + at)) }));
        const words = sentence.split(/\s+/).length;
        if (words > MAX_WORDS) fault(0, `a sentence of ${words} words: split it`);
        const twice = sentence.match(/(?<![\w-])(?!that|had)([a-z]{2,}) \1(?![\w-])/);
        if (twice) fault(twice.index, `"${twice[0]}": the word is repeated`);
      }
    },
  };
}
