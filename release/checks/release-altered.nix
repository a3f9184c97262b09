# A release is published, vouched for, and each part of it altered: each change is refused.
{ pkgs, self, ... }:
let
  offered = self.packages.${pkgs.stdenv.hostPlatform.system};
  inherit (offered) release;
in
pkgs.callPackage ../../nix/pytest.nix { } {
  name = "release-altered";
  tests = [ "release/tests" ];
  files = [
    ../../README.md
    # No service to sign with, as the program has it.
    ../../deploy/src/vouch/no-authorities.json
    ../../deploy/src/vouch/no-log.json
    ../../docs/reference/release.md
    ../../flake.lock
  ];
  tools = [
    offered.deploy
    offered.deploy-host
    pkgs.cosign
    pkgs.distribution
    pkgs.nix
    pkgs.skopeo
  ];
  env = {
    RELEASE = "${release}";
    # What a store's books would say of the release.
    registration = "${pkgs.closureInfo { rootPaths = [ release ]; }}/registration";
    # Books of this build's own: no build may read the machine's.
    NIX_REMOTE = "local";
  };
  setup = ''
    export NIX_STATE_DIR=$HOME/nix
    nix-store --load-db <$registration
  '';
}
