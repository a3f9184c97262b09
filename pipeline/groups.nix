# The checks by what runs them: `nix build .#lint`, `.#code`, `.#tests`, `.#clients`, and all four as `.#gate`.
{
  lib,
  linkFarm,
  runCommand,
  checks,
}:
let
  # The shell brings the programs that format and lint.
  isLint =
    name:
    name == "format"
    || lib.hasPrefix "shell-" name
    || lib.hasPrefix "code-" name && name != "code-tests";
  # What `cargo test` runs as well.
  isCode = name: name == "code-tests";
  # Tests with packages of Python's and npm's: `.ci/clients` runs them with the registries'.
  clients = [
    "browser"
    "client-node"
    "client-python"
    "dependencies"
    "google-access"
    "pipeline"
    "platform-schemas"
    "prose-linter"
    "tabulate"
  ];
  # `package-release` has the hosts, and the groups would contain themselves.
  isElsewhere =
    name:
    lib.hasPrefix "host-" name
    || lib.hasPrefix "package-reports" name
    || lib.elem name (map (group: "package-${group}") (lib.attrNames groups));
  isTest = name: !isLint name && !isCode name && !lib.elem name clients && !isElsewhere name;

  filtered = wanted: lib.filterAttrs (name: _: wanted name) checks;
  # What the tests of some checks say in JUnit's form.
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
  # Built even where tests fail.
  reports = reports "reports" (name: isCode name || isTest name);
  reports-clients = reports "reports-clients" (name: lib.elem name clients);
}
