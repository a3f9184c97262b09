# The virtual machines, and the tests that boot them.
{
  pkgs,
  self,
  hosts,
  offered,
  ...
}:
let
  vm = host: pkgs.callPackage ./launcher.nix { inherit host; };
in
{
  vm-dev = vm hosts.dev;
  vm-prod = vm hosts.mock-prod;
  vm-test = pkgs.callPackage ./tests/vm-test.nix {
    host = hosts.mock-prod;
    inherit (offered)
      attest
      deploy
      image
      image-test
      release
      ;
  };
  third-party-test = pkgs.callPackage ./tests/third-party-test.nix { inherit self; };
}
