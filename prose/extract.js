// Extracts the prose of a source file as Markdown: its comments, and its string literals of several words, such as messages.
// Each line keeps its place in the file.

const LITERAL_WORDS = 4;

// The tokens of each language in which the mark of a comment can occur: only `comment`, `literal`, `doc` and `script` are read.
const LANGUAGES = {
  rust:
    /(?<comment>\/\/[^\n]*|\/\*[\s\S]*?\*\/)|b?r(?<raw>#*)"[\s\S]*?"\k<raw>|b?"(?<literal>(?:\\[\s\S]|[^"\\])*)"|'(?:\\[^']+|[^'\\\n])'/g,
  python:
    /(?<comment>#[^\n]*)|(?:"""(?<doc>[\s\S]*?)"""|'''[\s\S]*?''')|"(?<literal>(?:\\[\s\S]|[^"\\\n])*)"|'(?:\\[\s\S]|[^'\\\n])*'/g,
  nix:
    /(?<comment>#[^\n]*|\/\*[\s\S]*?\*\/)|''(?<script>(?:''[$\\']|\$\{[^}]*\}|'(?!')|[^'])*)''|"(?<literal>(?:\\[\s\S]|\$\{[^}]*\}|[^"\\])*)"/g,
  javascript:
    /(?<comment>\/\/[^\n]*|\/\*[\s\S]*?\*\/)|"(?<literal>(?:\\[\s\S]|[^"\\\n])*)"|'(?:\\[\s\S]|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`|\/(?![/*\s])(?:\\.|\[(?:\\.|[^\]\n])*\]|[^/\\[\n])+\//g,
  hash: /(?<=^|\s)(?<comment>#[^\n]*)|(?<=^|[\s=(])(?:"(?:\\[\s\S]|[^"\\])*"|'[^'\n]*')/gm,
};

const ENDINGS = {
  rs: "rust",
  py: "python",
  nix: "nix",
  js: "javascript",
  sh: "hash",
  yml: "hash",
  yaml: "hash",
  toml: "hash",
  ini: "hash",
  conf: "hash",
};

/** The language of a file, by its name or its first line; `undefined` for what has no prose. */
export function language(path, text) {
  const ending = path.match(/\.(\w+)$/)?.[1];
  if (ending === "md") return "markdown";
  if (ending !== undefined) return ENDINGS[ending];
  return /^#!.*\b(?:bash|sh)\b|^# shellcheck/.test(text) || /(?:^|\/)(?:Containerfile|\.envrc)$/.test(path)
    ? "hash"
    : undefined;
}

/** A document in Markdown and, for each of its lines, the line and the column in the file, both from 1. */
export function extract(path, text) {
  const kind = language(path, text);
  if (kind === undefined) return undefined;
  if (kind === "markdown") {
    return { text, places: text.split("\n").map((_, index) => ({ line: index + 1, column: 1 })) };
  }
  const starts = [0];
  for (const { index } of text.matchAll(/\n/g)) starts.push(index + 1);
  const place = (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle] <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - starts[low] + 1 };
  };

  const lines = [];
  const places = [];
  const add = (line, at) => {
    lines.push(line);
    places.push(at);
  };
  let last;
  const comment = (raw, offset) => {
    if (raw.startsWith("#!")) return;
    const at = place(offset);
    const alone = /^\s*$/.test(text.slice(starts[at.line - 1], offset));
    const mark = raw.match(/^(?:\/\/[/!]?|\/\*+|#)/)[0];
    // Lines of comments one below the other are one text.
    if (!(alone && last?.alone && last.line === at.line - 1 && last.mark === mark)) add("", at);
    for (const [index, line] of raw.split("\n").entries()) {
      const [, before, rest] = line.match(/^(\s*(?:\/\/[/!]? ?|\/\*+ ?|\* |# ?)?)(.*?)(?:\s*\*\/)?$/);
      add(rest, { line: at.line + index, column: (index === 0 ? at.column : 1) + before.length });
    }
    last = { alone, mark, line: at.line + raw.split("\n").length - 1 };
  };
  const literal = (raw, offset) => {
    if ((raw.match(/\p{L}{2,}[\s.,:;?!]/gu) ?? []).length < LITERAL_WORDS - 1) return;
    // A value inside a message is one word.
    const plain = raw
      .replace(/\\\n\s*/g, " ")
      .replace(/\\n/g, " ")
      .replace(/\\(.)/g, "$1")
      .replace(/\$\{[^}]*\}|\{[^}]*\}/g, "`x`")
      .replace(/\s*\n\s*/g, " ");
    add("", place(offset));
    const at = { ...place(offset), literal: true };
    add(plain.replace(/^[\s#>*+-]+/, "").replace(/[<>[\]|]/g, " "), at);
  };

  for (const match of text.matchAll(LANGUAGES[kind])) {
    const { groups, index } = match;
    if (groups.comment !== undefined) comment(groups.comment, index);
    else if (groups.doc !== undefined && /(?:^|:|\n)\s*$/.test(text.slice(0, index))) {
      add("", place(index));
      for (const [number, line] of groups.doc.split("\n").entries()) {
        add(line.trimStart(), { line: place(index).line + number, column: 1 });
      }
    } else if (groups.script !== undefined) {
      const inside = index + 2;
      if (/\b(?:description|message|longDescription)\s*=\s*$/.test(text.slice(0, index))) {
        literal(groups.script, inside);
      } else {
        for (const found of groups.script.matchAll(/^([ \t]*)(#[^\n]*)/gm)) {
          comment(found[2], inside + found.index + found[1].length);
        }
      }
    } else if (groups.literal !== undefined) literal(groups.literal, index + match[0].indexOf('"') + 1);
  }
  return { text: lines.join("\n"), places };
}
