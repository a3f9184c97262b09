# The program that draws Mermaid diagrams, as npm has it: one file.
{ callPackage }:
let
  packages = callPackage ../nix/node-modules.nix { } {
    folder = ./.;
    hash = "sha256-v+qH2j0kslp4nnPT9V2Xic96OZ7tC2Ig8aG0685QTTY=";
  };
in
"${packages}/@mermaid-js/tiny/dist/mermaid.tiny.js"
