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

  vm-dev = vm ./vm.nix hosts.dev;
  vm-prod = vm ./vm.nix hosts.mock-prod;
  vm-test = vm ./vm-test.nix hosts.mock-prod;
}
// import ./secrets { inherit pkgs agenix; }
