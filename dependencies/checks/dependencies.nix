# Renovate finds each manifest of the project, and dependencies/lock-age each lock file.
{ pkgs, ... }:
pkgs.callPackage ../../nix/pytest.nix { } {
  name = "dependencies";
  tests = [ "dependencies/tests" ];
  # Whatever is in git may be a manifest.
  files = [ ../../. ];
  packages = set: [ (set.toPythonModule pkgs.check-jsonschema) ];
  tools = [ pkgs.jq ];
}
