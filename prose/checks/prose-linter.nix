# The linter of this project's English finds what it is for, and passes its corrections.
{ pkgs, ... }:
let
  packages = pkgs.callPackage ../../nix/node-modules.nix { } (import ../packages-hash.nix);
in
pkgs.runCommand "prose-linter" { nativeBuildInputs = [ pkgs.nodejs ]; } ''
  cp -r ${../.} prose
  chmod u+w prose
  cd prose
  # A copy: Node.js looks for what a package imports beside the path that a link leads to.
  cp -r ${packages} node_modules
  node --test --test-reporter=spec | tee $out
''
