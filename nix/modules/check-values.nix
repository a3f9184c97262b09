# `wordtally check` reports for each instance the values that `wordtally serve` would refuse; the build then fails. `where`
# names the instances in that message.
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
