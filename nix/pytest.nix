# Runs tests with pytest, in a repository with one commit of the given files. A skipped test fails the check, whose definition
# must name what the test needs.
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
  # Further files that they read.
  files ? [ ],
  # Packages of Python's package set.
  packages ? _: [ ],
  # Programs on PATH.
  tools ? [ ],
  # Environment variables.
  env ? { },
  # Shell commands to run before the tests.
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
