# The checks in groups: `nix build .#lint`, `.#code`, `.#tests`, `.#clients`, and all four as `.#gate`.
{
  lib,
  linkFarm,
  runCommand,
  checks,
}:
let
  # The shell has the programs that format and lint.
  isLint =
    name:
    name == "format"
    || name == "prose"
    || lib.hasPrefix "shell-" name
    || lib.hasPrefix "code-" name && name != "code-tests";
  # The tests that `cargo test` also runs.
  isCode = name: name == "code-tests";
  # Tests with packages from nixpkgs; `.ci/clients` runs them with packages from PyPI and npm.
  clients = [
    "browser"
    "client-node"
    "client-python"
    "dependencies"
    "google-access"
    "pipeline"
    "platform-schemas"
    "prose-linter"
    "site"
    "tabulate"
  ];
  # `package-release` includes the hosts, and the groups would contain themselves.
  isElsewhere =
    name:
    lib.hasPrefix "host-" name
    || lib.hasPrefix "package-reports" name
    || lib.elem name (map (group: "package-${group}") (lib.attrNames groups));
  isTest = name: !isLint name && !isCode name && !lib.elem name clients && !isElsewhere name;

  filtered = wanted: lib.filterAttrs (name: _: wanted name) checks;
  # The JUnit reports of the checks that write one.
  reports =
    name: wanted:
    runCommand name { } (
      lib.concatLines (
        [ "mkdir $out" ]
        ++ map (check: "ln -s ${check.report}/*.xml $out/") (
          lib.filter (check: check ? report) (lib.attrValues (filtered wanted))
        )
      )
    );
  groups = {
    lint = linkFarm "lint" (filtered isLint);
    code = linkFarm "code" (filtered isCode);
    tests = linkFarm "tests" (filtered isTest);
    clients = linkFarm "clients" (lib.getAttrs clients checks);
    gate = linkFarm "gate" {
      inherit (groups)
        lint
        code
        tests
        clients
        ;
    };
  };
in
groups
// {
  # Built even if tests fail.
  reports = reports "reports" (name: isCode name || isTest name);
  reports-clients = reports "reports-clients" (name: lib.elem name clients);
}
