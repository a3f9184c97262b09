// Phrases that this project does not write: a pattern, what to write instead, and an example of each. A pattern sees inline
// code as `x`. CONTRIBUTING.md ("Write") has the rules.

// Before what an "X is no Y" is English.
const NO = String.raw`(?! (?:longer|more|less|fewer|different|matter|\w+er than)\b)`;
// A sentence begins: not one in brackets, a table's cell or a heading.
const START = String.raw`(?:^|(?<=[.!?:] ))`;

export const PHRASES = [
  {
    pattern: new RegExp(String.raw`(?<!\bthere (?:\w+ )?)\b(?:is|are|was|were|be|been) no\b${NO}(?= [\w'"])`, "gi"),
    write: "is not a, are not, does not count as",
    bad: "`300` is no duration",
    good: "`300` is not a duration, there is no other, and it is no longer served",
  },
  {
    pattern: /\bcount(?:s|ed)? as none\b/gi,
    write: "has no effect, or say which effect it has",
    bad: "An empty list counts as none.",
    good: "An empty list has the same effect as no list.",
  },
  {
    pattern: /\b(?:stands?|stood|standing) in (?!for\b)(?=\w)/gi,
    write: "occurs in, is in",
    bad: "how often a word stands in hamlet",
    good: "how often a word occurs in hamlet, which stands in for a text",
  },
  {
    pattern: /\b(?:with|by|without) (?:no|a|any) hand\b/gi,
    write: "automatically, with the condition",
    bad: "brought to dev with no hand",
    good: "deployed to dev automatically, once keys are set up",
  },
  {
    pattern: /\b(?:is|are|was|were) right for a client\b/gi,
    write: "passed an external check",
    bad: "a page was right for a client",
    good: "the page passed an external check",
  },
  {
    pattern: /\bof (?:before|then|now)(?=[\s.,;:)]|$)(?! and after)/gi,
    write: "earlier, previous, current",
    bad: "Grants of before stay.",
    good: "Earlier grants remain.",
  },
  {
    pattern: new RegExp(String.raw`${START}(?:Who|What)\b(?![^.!?]*\?)`, "g"),
    opening: true,
    write: "the subject first: the person who, the files that",
    bad: "Who may not reach it is kept out by its directory.",
    good: "The directory's permissions restrict access. Who has access?",
  },
  {
    pattern: /\bwho(?:m|so)?ever\b/gi,
    write: "the person who, anyone who, or the role",
    bad: "Whoever has the key can deploy.",
    good: "Anyone who has the key can deploy.",
  },
  {
    pattern: /\band the like\b|\bthe like of\b/gi,
    write: "and similar things, or name them",
    bad: "timeouts, resets and the like",
    good: "timeouts, resets and similar failures",
  },
  {
    pattern: /\ball the same\b(?=[.,;:)]|$)/gi,
    write: "still, nevertheless",
    bad: "It is counted all the same.",
    good: "It is still counted. They are all the same size.",
  },
  {
    pattern: /, at that(?=[.,;:)]|$)/gi,
    write: "nothing, or say what is meant",
    bad: "one page, at that",
    good: "one page at that address",
  },
  {
    pattern: /\b(?:is|are|was|were) owed\b/gi,
    write: "has no obligation, is not needed, is still missing",
    bad: "Nothing is owed to that one.",
    good: "That client needs no response.",
  },
  {
    // "a friend of Peter's" is for persons; of "nginx's configuration" the noun follows.
    pattern:
      /\bof (?:\w+ )?(?:[\w.-]*[A-Za-z]|`x`)(?:'s|s')(?=[.,;:)!?]|$| (?:and|or|in|with|without|is|are|was|were|that|which|to|for|from|at|on|by|as|when|if|may|can|has|have|below|above|beside)\b)/g,
    write: "the name before the noun: a Kubernetes Secret",
    bad: "a Secret of Kubernetes' that nginx reads",
    good: "a Kubernetes Secret that nginx reads, by the rules of nginx's own parser",
  },
  {
    pattern: /\b(?:hold|holds|held|holding) (?:\w+ ){0,4}against\b/gi,
    write: "compare with",
    bad: "held against its own document",
    good: "compared with its own document",
  },
  {
    pattern: /\bvisitors?\b/gi,
    write: "client",
    bad: "the response to a visitor",
    good: "the response to a client",
  },
  {
    pattern: /\b(?:front door|way back)\b/gi,
    write: "reverse proxy; roll back, rollback",
    bad: "the way back to the release of Monday",
    good: "the rollback to the release of Monday",
  },
  {
    pattern: /\bput(?:s|ting)? (?:it |them |the \w+ )?back\b/gi,
    write: "roll back, restore",
    bad: "The host puts the release back.",
    good: "The host rolls the release back.",
  },
  {
    pattern: /\b(?:do|does|did|is|are|was|were|has|have|had|ca|wo|would|should|could|must)n['’]t\b|\b(?:it|that|there|we|you|they)['’](?:re|ve|ll|d)\b|\b(?:it|that|there)['’]s\b(?! own)/gi,
    write: "the words in full",
    bad: "It doesn't start.",
    good: "It does not start.",
  },
  {
    pattern: /\b(?:behavior|favor|honor|neighbor|catalog|canceled|canceling|fulfill)(?:s|ed|ing|ite)?\b/gi,
    write: "British spelling",
    bad: "the behavior of a client",
    good: "the behaviour of a client",
  },
];
