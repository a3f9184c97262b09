# What can be built and run by name.
{
  pkgs,
  self,
  builds,
  hosts,
  agenix,
}:
let
  vm = file: host: pkgs.callPackage file { inherit host; };
in
{
  inherit (builds) wordtally bigquery-standin;
  default = builds.wordtally;
  image = pkgs.callPackage ./image.nix {
    inherit self;
    inherit (builds) wordtally;
  };

  sbom = pkgs.callPackage ./sbom.nix {
    inherit (builds) wordtally crates;
    inherit (self.packages.${pkgs.stdenv.hostPlatform.system}) image;
  };
  release = pkgs.callPackage ./release.nix {
    inherit self hosts;
    inherit (builds) wordtally;
    inherit (self.packages.${pkgs.stdenv.hostPlatform.system}) image sbom;
  };

  vm-dev = vm ./vm.nix hosts.dev;
  vm-prod = vm ./vm.nix hosts.mock-prod;
  vm-test = vm ./vm-test.nix hosts.mock-prod;
}
// import ./secrets { inherit pkgs agenix; }
// import ./release-commands.nix { inherit pkgs; }
