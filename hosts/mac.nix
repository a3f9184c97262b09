# The virtual machines for QEMU on a Mac. The guest is Linux on the same processor, so Nix needs a Linux builder.
{ pkgs, hosts }:
import ./launchers.nix {
  inherit pkgs hosts;
  modules = [ { virtualisation.host = { inherit pkgs; }; } ];
}
