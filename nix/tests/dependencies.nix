# Renovate finds each manifest of the project, and .ci/lock-age each lock file.
{ pkgs, ... }:
pkgs.callPackage ../pytest.nix { } {
  name = "dependencies";
  folders = [ "tests/dependencies" ];
  # Whatever is in git may be a manifest.
  files = [ ../../. ];
  packages = set: [ (set.toPythonModule pkgs.check-jsonschema) ];
  tools = [ pkgs.jq ];
}
