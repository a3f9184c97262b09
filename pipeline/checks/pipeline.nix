# Checks the GitLab pipeline against GitLab's own schema and rules.
{
  pkgs,
  lib,
  self,
  ...
}:
pkgs.callPackage ../../nix/pytest.nix { } {
  name = "pipeline";
  tests = [ "pipeline/tests" ];
  files = [
    ../../.gitlab-ci.yml
    ../environments.yml
    ../groups.nix
    ../rehearse.nix
    ../../deploy/src/deployer
    ../../flake.lock
    ../../release/tests/registry.py
  ];
  tools = [
    pkgs.cosign
    pkgs.distribution
    pkgs.rsync
    pkgs.skopeo
  ];
  packages = set: [
    (set.toPythonModule pkgs.check-jsonschema)
    set.pyyaml
  ];
  env = {
    # The program alone: with its tools, it would find the real Nix.
    DEPLOY = "${self.packages.${pkgs.stdenv.hostPlatform.system}.deploy.unwrapped}/bin/deploy";
    GITLAB_CI_LOCAL = lib.getExe pkgs.gitlab-ci-local;
  };
}
