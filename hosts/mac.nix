# The virtual machines for a Mac's QEMU. The guest is the Linux of the same processor, for which Nix needs a Linux builder.
{ pkgs, hosts }:
let
  vm =
    host:
    pkgs.callPackage ./launcher.nix {
      host = host.extendModules { modules = [ { virtualisation.host = { inherit pkgs; }; } ]; };
    };
in
{
  vm-dev = vm hosts.dev;
  vm-prod = vm hosts.mock-prod;
}
