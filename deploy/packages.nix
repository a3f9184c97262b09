# The command that brings a release to a host.
{ pkgs, offered, ... }:
{
  deploy = pkgs.callPackage ./package.nix { inherit (offered) verify-release; };
}
