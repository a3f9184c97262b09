# The pipeline at GitLab, by GitLab's own schema and rules.
{ pkgs, lib, ... }:
pkgs.callPackage ../pytest.nix { } {
  name = "pipeline";
  folders = [ "tests/pipeline" ];
  files = [
    ../../.gitlab-ci.yml
    ../stages.nix
  ];
  packages = set: [
    (set.toPythonModule pkgs.check-jsonschema)
    set.pyyaml
  ];
  env.GITLAB_CI_LOCAL = lib.getExe pkgs.gitlab-ci-local;
}
