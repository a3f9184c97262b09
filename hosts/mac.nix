# The virtual machines for a Mac's QEMU. The guest is the Linux of the same processor, for which Nix needs a Linux builder.
{ pkgs, hosts }:
import ./launchers.nix {
  inherit pkgs hosts;
  modules = [ { virtualisation.host = { inherit pkgs; }; } ];
}
