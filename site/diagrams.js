// Draws the page's Mermaid diagrams, in the colours of the reader's theme. A page without one loads nothing.
const diagrams = document.querySelectorAll("pre.mermaid");
if (diagrams.length > 0) {
  const program = document.createElement("script");
  // mdBook's own name for the way to the site's root.
  program.src = `${path_to_root}mermaid.js`;
  program.onload = () => {
    const dark = ["ayu", "coal", "navy"].some((theme) => document.documentElement.classList.contains(theme));
    mermaid.initialize({ startOnLoad: false, theme: dark ? "dark" : "default" });
    mermaid.run({ nodes: diagrams });
  };
  document.head.append(program);
}
