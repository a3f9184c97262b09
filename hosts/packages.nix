# The virtual machines, and the tests that boot them.
{
  pkgs,
  self,
  hosts,
  offered,
  ...
}:
import ./launchers.nix { inherit pkgs hosts; }
// {
  vm-test = pkgs.callPackage ./tests/vm-test.nix {
    host = hosts.mock-prod;
    inherit (offered)
      deploy
      image
      image-test
      release
      ;
  };
  third-party-test = pkgs.callPackage ./tests/third-party-test.nix { inherit self; };
}
