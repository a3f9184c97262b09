# A check of tests that say in JUnit's form which of them failed. Their report is built either way, with the file `status`,
# so that a pipeline has it of tests that fail; the check fails where they did.
{ runCommand }:
name: report:
runCommand name { passthru = { inherit report; }; } ''
  if [ "$(cat ${report}/status)" != 0 ]; then
    cat ${report}/log >&2
    echo "${name} failed. To try the same sources again: nix store delete ${report}" >&2
    exit 1
  fi
  cp ${report}/log $out
''
