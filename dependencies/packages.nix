# The command that runs Renovate.
{ pkgs, ... }:
{
  renovate = pkgs.callPackage ./renovate.nix { };
}
