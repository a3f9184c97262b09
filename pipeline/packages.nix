# The packages that the pipeline's jobs build and run.
{
  pkgs,
  self,
  builds,
  hosts,
  offered,
  ...
}:
let
  inherit (pkgs) lib;
  environments = pkgs.callPackage ./environments.nix { inherit hosts; };
in
{
  check-tag = pkgs.callPackage ./check-tag.nix { };
  keep = pkgs.callPackage ./keep.nix { };
  push-cache = pkgs.callPackage ./push-cache.nix { };
  set-up-gitlab = pkgs.callPackage ./set-up-gitlab.nix { environments = lib.attrNames hosts; };
  subjects = pkgs.callPackage ./subjects.nix {
    inherit (offered) release;
    deploy = builds.deploy.unwrapped;
  };
  with-tools = pkgs.callPackage ./with-tools.nix { };
  write-pipeline = pkgs.writeShellApplication {
    name = "write-pipeline";
    runtimeInputs = [
      pkgs.coreutils
      pkgs.gitMinimal
    ];
    text = ''
      cd "$(git rev-parse --show-toplevel)"
      install -m 644 ${environments} pipeline/environments.yml
    '';
    passthru = { inherit environments; };
    meta.description = "Writes the pipeline's jobs for each environment into this clone";
  };
}
# An environment that is a virtual machine can be deployed to without a host.
// lib.mapAttrs' (
  environment: _:
  lib.nameValuePair "rehearse-${environment}" (
    pkgs.callPackage ./rehearse.nix {
      inherit environment;
      inherit (offered) deploy;
      launcher = offered."vm-${environment}";
    }
  )
) (lib.filterAttrs (_: host: host.options.wordtally ? sshPort) hosts)
// import ./groups.nix {
  inherit lib;
  inherit (pkgs) linkFarm runCommand;
  checks = self.checks.${pkgs.stdenv.hostPlatform.system};
}
