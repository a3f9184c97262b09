# Publishes and attests a release, alters each part of it, and checks that each change is refused.
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
    # The program's configuration without signing services.
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
    # The release's entry in a store's database.
    registration = "${pkgs.closureInfo { rootPaths = [ release ]; }}/registration";
    # The build's own database, because no build may read the machine's.
    NIX_REMOTE = "local";
  };
  setup = ''
    export NIX_STATE_DIR=$HOME/nix
    nix-store --load-db <$registration
  '';
}
