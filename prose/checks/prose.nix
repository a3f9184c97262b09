# The English of every page, comment and message has none of the faults that the linter knows.
{ pkgs, ... }:
let
  packages = pkgs.callPackage ../../nix/node-modules.nix { } (import ../packages-hash.nix);
in
pkgs.runCommand "prose" { nativeBuildInputs = [ pkgs.nodejs ]; } ''
  cp -r ${../.} prose
  chmod u+w prose
  # A copy: Node.js looks for what a package imports beside the path that a link leads to.
  cp -r ${packages} prose/node_modules
  linter=$PWD/prose/lint.js
  cd ${../../.}
  find . -type f -printf '%P\0' | xargs --null node "$linter" | tee $out
''
