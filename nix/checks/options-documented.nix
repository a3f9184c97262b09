# The reference lists exactly the modules' options, each with its type, default and meaning.
{
  pkgs,
  lib,
  hosts,
  ...
}:
let
  inherit (hosts.dev) options;
  # These have their own pages.
  elsewhere = [
    "services.wordtally.reverseProxy"
    "services.wordtally.monitoring"
  ];
  documented =
    option:
    option.visible
    && !option.internal
    && !lib.any (prefix: option.name == prefix || lib.hasPrefix "${prefix}." option.name) elsewhere;
  cell = text: lib.replaceStrings [ "\n" "|" ] [ " " "\\|" ] (lib.trim text);
  row =
    option:
    "| `${option.name}` | ${cell option.type} | ${
      if option ? default then "`${cell option.default.text}`" else "required"
    } | ${cell (option.description.text or option.description)} |";
  rows = map row (
    lib.filter documented (
      lib.optionAttrSetToDocList {
        inherit (options.services) wordtally bigquery-standin;
      }
    )
  );
  table = pkgs.writeText "rows" (lib.concatLines (lib.sort lib.lessThan rows));
in
assert lib.length rows > 20;
pkgs.runCommand "options-documented" { } ''
  grep '^| `' ${../../docs/reference/nixos-options.md} | LC_ALL=C sort >page || true
  LC_ALL=C sort ${table} >modules
  if ! diff page modules; then
    echo "docs/reference/nixos-options.md differs from the modules: the lines with > are missing there" >&2
    exit 1
  fi
  cp modules $out
''
