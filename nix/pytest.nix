# Runs tests by pytest, in a repository of the given files with one commit. A skipped test is a failure: what it wants is to
# be named here.
{
  lib,
  callPackage,
  runCommand,
  gitMinimal,
  python3,
}:
{
  name,
  # Folders of tests, or files.
  tests,
  # What they read besides.
  files ? [ ],
  # Of Python's package set.
  packages ? _: [ ],
  # Programs on PATH.
  tools ? [ ],
  # Variables.
  env ? { },
  # Lines of the shell before the tests.
  setup ? "",
}:
let
  root = ../.;
  source = lib.fileset.toSource {
    inherit root;
    fileset = lib.fileset.unions (files ++ map (path: root + "/${path}") tests);
  };
in
callPackage ./reported.nix { } name (
  runCommand "${name}-report"
    {
      nativeBuildInputs = [
        gitMinimal
        (python3.withPackages (set: [ set.pytest ] ++ packages set))
      ]
      ++ tools;
      inherit env;
    }
    ''
      export HOME=$PWD
      cp -r ${source} project
      chmod -R u+w project
      patchShebangs project
      cd project
      git init --quiet --initial-branch=main
      git add .
      git -c user.name=nobody -c user.email=nobody@example.com commit --quiet --message=project

      ${setup}
      mkdir $out
      set +o errexit
      python3 -m pytest -q -rs -p no:cacheprovider --junitxml=$out/${name}.xml ${toString tests} 2>&1 | tee $out/log
      status=''${PIPESTATUS[0]}
      set -o errexit
      if grep -E '^SKIPPED' $out/log; then
        echo "a skipped test proves nothing: give the check what the test needs" | tee --append $out/log
        status=1
      fi
      echo $status >$out/status
    ''
)
