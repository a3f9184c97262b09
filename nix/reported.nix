# A check of tests with a JUnit report. The report is built, with the file `status`, whether or not the tests pass, so that a
# pipeline also has it for failed tests. The check fails if a test failed.
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
