# A release is published, vouched for, and each part of it altered: each change is refused.
{ pkgs, self, ... }:
let
  offered = self.packages.${pkgs.stdenv.hostPlatform.system};
  inherit (offered) release;
in
pkgs.runCommand "release-altered"
  {
    nativeBuildInputs = [
      offered.attest
      offered.publish
      offered.verify-image
      offered.verify-release
      pkgs.cosign
      pkgs.distribution
      pkgs.gitMinimal
      pkgs.nix
      pkgs.python3
      pkgs.skopeo
    ];
    # What a store's books would say of the release.
    registration = "${pkgs.closureInfo { rootPaths = [ release ]; }}/registration";
  }
  ''
    # Books of this build's own: no build may read the machine's.
    export HOME=$PWD NIX_STATE_DIR=$PWD/nix NIX_REMOTE=local
    nix-store --load-db <$registration

    cp -r ${self} project
    chmod -R u+w project
    cd project
    git init --quiet --initial-branch=main
    git add .
    git -c user.name=nobody -c user.email=nobody@example.com commit --quiet --message=project
    python3 release/tests/test_release.py ${release} 2>&1 | tee $out
  ''
