# Kubernetes, the Gateway API, Cloud Run and the service accept what the check `manifests` has written.
{
  pkgs,
  self,
  lib,
  ...
}:
let
  inherit (pkgs.stdenv.hostPlatform) system;

  # Kubernetes' schemas, which nixpkgs does not have, in the version that the folder's requirements name.
  prefix = "kubernetes-validate==";
  requirements = lib.splitString "\n" (builtins.readFile ../tests/requirements.txt);
  version = lib.removePrefix prefix (lib.findSingle (lib.hasPrefix prefix) null null requirements);
  kubernetesValidate =
    set:
    set.buildPythonPackage {
      pname = "kubernetes-validate";
      inherit version;
      format = "wheel";
      src = pkgs.fetchPypi {
        pname = "kubernetes_validate";
        inherit version;
        format = "wheel";
        dist = "py3";
        python = "py3";
        hash = "sha256-hRNtAYontQ7H/ASdkCv6UZP1l2gH5sD0COOrb+B4ytk=";
      };
      dependencies = [
        set.importlib-resources
        set.jsonschema
        set.packaging
        set.pyyaml
        set.referencing
        set.typing-extensions
      ];
    };

  gatewayModels = pkgs.callPackage ../../nix/node-modules.nix { } {
    folder = ../tests;
    hash = "sha256-HERSjZkcZJRaYeeXGrauWOe7hpXFsD/HII67EUJmV+8=";
  };
in
pkgs.callPackage ../../nix/pytest.nix { } {
  name = "platform-schemas";
  tests = [ "manifests/tests" ];
  files = [
    ../../bench/results.md
    ../../docs/reference/http.md
    ../../docs/reference/image.md
    ../../src/server/limits.rs
  ];
  packages = set: [
    (kubernetesValidate set)
    set.google-api-python-client
    set.jsonschema
    set.pyyaml
  ];
  tools = [ pkgs.nodejs ];
  env = {
    MANIFESTS = self.checks.${system}.manifests;
    # Where node searches besides the folders above a script.
    NODE_PATH = gatewayModels;
    WORDTALLY = "${self.packages.${system}.bigquery-standin}/bin/wordtally";
  };
}
