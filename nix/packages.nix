# What can be built and run by name.
{
  pkgs,
  self,
  builds,
  hosts,
  agenix,
}:
let
  inherit (pkgs.stdenv.hostPlatform) system;
  offered = self.packages.${system};
  vm = file: host: pkgs.callPackage file { inherit host; };
  manifests =
    file:
    pkgs.callPackage file {
      inherit (builds) wordtally;
      host = hosts.prod;
      platforms = import ../hosts/platforms.nix;
    };
in
{
  inherit (builds) wordtally bigquery-standin;
  default = builds.wordtally;
  dashboard = pkgs.callPackage ./dashboard { };
  image = pkgs.callPackage ./image.nix {
    inherit self;
    inherit (builds) wordtally;
  };

  image-test = pkgs.callPackage ./image-test.nix {
    inherit (builds) bigquery-standin;
    inherit (offered) image;
  };

  sbom = pkgs.callPackage ./sbom.nix {
    inherit (builds) wordtally crates;
    inherit (offered) image;
  };
  release = pkgs.callPackage ./release.nix {
    inherit self hosts;
    inherit (builds) wordtally;
    inherit (offered) image sbom;
  };
  deploy = pkgs.callPackage ./deploy.nix { inherit (offered) verify-release; };
  push-cache = pkgs.callPackage ./push-cache.nix { };
  renovate = pkgs.callPackage ./renovate.nix { };

  kubernetes = manifests ./manifests/kubernetes.nix;
  cloud-run = manifests ./manifests/cloud-run.nix;

  vm-dev = vm ./vm.nix hosts.dev;
  vm-prod = vm ./vm.nix hosts.mock-prod;
  vm-test = pkgs.callPackage ./vm-test.nix {
    host = hosts.mock-prod;
    inherit (offered)
      attest
      deploy
      image
      image-test
      release
      ;
  };
  third-party-test = pkgs.callPackage ./third-party-test.nix { inherit self; };
}
// import ./stages.nix {
  inherit (pkgs) lib linkFarm;
  checks = self.checks.${system};
}
// import ./secrets { inherit pkgs agenix; }
// import ./release-commands.nix { inherit pkgs; }
