# Runs tests by pytest, in a repository of the given files with one commit. A skipped test is a failure: what it wants is to
# be named here.
{
  lib,
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
runCommand name
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
    python3 -m pytest -q -rs -p no:cacheprovider ${toString tests} | tee $out
    if grep -E '^SKIPPED' $out; then
      echo "a skipped test proves nothing: give the check what it wants" >&2
      exit 1
    fi
  ''
