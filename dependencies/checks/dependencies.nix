# Renovate finds every manifest of the project, and dependencies/lock-age finds every lock file.
{ pkgs, ... }:
pkgs.callPackage ../../nix/pytest.nix { } {
  name = "dependencies";
  tests = [ "dependencies/tests" ];
  # Any file in git may be a manifest.
  files = [ ../../. ];
  packages = set: [ (set.toPythonModule pkgs.check-jsonschema) ];
  tools = [ pkgs.jq ];
}
