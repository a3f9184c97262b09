# The pipeline at GitLab, by GitLab's own schema and rules.
{ pkgs, lib, ... }:
pkgs.callPackage ../../nix/pytest.nix { } {
  name = "pipeline";
  tests = [ "pipeline/tests" ];
  files = [
    ../../.gitlab-ci.yml
    ../environments.yml
    ../groups.nix
  ];
  packages = set: [
    (set.toPythonModule pkgs.check-jsonschema)
    set.pyyaml
  ];
  env.GITLAB_CI_LOCAL = lib.getExe pkgs.gitlab-ci-local;
}
