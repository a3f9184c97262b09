# A command that runs test files in order with pytest: all of their behaviours, or those given as arguments. With
# `--quick-without-kvm` alone it runs only the `quick` ones if the machine would be emulated, which takes ten times as long.
{
  lib,
  writeShellApplication,
  python3,
}:
{
  tests,
  runtimeInputs,
  quick ? [ ],
  ...
}@arguments:
let
  chooseQuick = lib.optionalString (quick != [ ]) ''
    if [ $# = 0 ] && ! (: <>/dev/kvm) 2>/dev/null; then
      set -- ${toString quick}
      echo "${arguments.name}: /dev/kvm cannot be opened, so only these run: $*"
    fi
  '';
in
writeShellApplication (
  removeAttrs arguments [
    "tests"
    "quick"
  ]
  // {
    runtimeInputs = [ (python3.withPackages (set: [ set.pytest ])) ] ++ runtimeInputs;
    text = ''
      tests=(${lib.escapeShellArgs tests})
      if [ "''${1-}" = --quick-without-kvm ]; then
        shift
        ${chooseQuick}
      fi
      chosen=
      for behaviour; do
        grep --quiet "^def test_$behaviour(" "''${tests[@]}" || {
          echo "${arguments.name}: invalid behaviour '$behaviour': expected one of:" >&2
          sed --quiet 's/^def test_\(\w*\)(.*/  \1/p' "''${tests[@]}" >&2
          exit 2
        }
        chosen+="''${chosen:+ or }$behaviour"
      done
      # A test's output is useful while it runs, because some tests take minutes.
      exec python3 -m pytest --verbose --capture=no --durations=0 -p no:cacheprovider \
        ''${chosen:+-k "$chosen"} "''${tests[@]}"
    '';
  }
)
