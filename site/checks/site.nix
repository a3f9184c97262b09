# The site that mdBook makes of docs/: its pages, its order, its links, and the pages that it refuses.
{
  pkgs,
  lib,
  self,
  ...
}:
let
  hasProse =
    file:
    lib.any file.hasExt [
      "md"
      "png"
      "svg"
    ];
in
pkgs.callPackage ../../nix/pytest.nix { } {
  name = "site";
  tests = [ "site/tests" ];
  files = [
    ../book.toml
    ../diagrams.js
    ../theme
    ../write_site.py
    (lib.fileset.fileFilter hasProse ../../.)
  ];
  tools = [ pkgs.mdbook ];
  env = {
    MERMAID = "${pkgs.callPackage ../mermaid.nix { }}";
    WORDTALLY = "${self.packages.${pkgs.stdenv.hostPlatform.system}.bigquery-standin}/bin/wordtally";
  };
}
