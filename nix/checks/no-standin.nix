# What ships has no command of the stand-in's. That it has none of its crates is release/checks/release.nix's.
{ pkgs, self, ... }:
pkgs.runCommand "no-standin"
  { nativeBuildInputs = [ self.packages.${pkgs.stdenv.hostPlatform.system}.wordtally ]; }
  ''
    wordtally serve --help >/dev/null
    for command in standin demo; do
      if wordtally $command --help >/dev/null 2>&1; then
        echo "the shipped program has the command '$command'" >&2
        exit 1
      fi
    done
    touch $out
  ''
