# Renovate, with what it reads.
{ pkgs, ... }:
{
  renovate = pkgs.callPackage ./renovate.nix { };
}
