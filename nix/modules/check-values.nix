# `wordtally check` says for each instance what `wordtally serve` would refuse; then nothing is built. `where` is what
# the instances are called in that sentence.
{
  lib,
  runCommand,
  package,
  where,
}:
variables:
runCommand "wordtally-instances-checked" { } ''
  ${lib.concatStrings (
    lib.mapAttrsToList (name: values: ''
      if ! env -i ${
        lib.escapeShellArgs (lib.mapAttrsToList (k: v: "${k}=${v}") values)
      } ${lib.getExe package} check --values-only
      then echo ${lib.escapeShellArg "${where}.${name} is refused, see above"} >&2; exit 1; fi
    '') variables
  )}
  touch $out
''
