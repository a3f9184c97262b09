# The virtual machine for a Mac evaluates: its launcher and QEMU are the Mac's, its guest is Linux. It is built on a Mac only.
{ pkgs, self, ... }:
let
  vm = self.packages.aarch64-darwin.vm-dev;
in
assert vm.system == "aarch64-darwin";
# What the launcher starts.
assert vm.machine.system == "aarch64-darwin";
pkgs.writeText "mac" "${builtins.unsafeDiscardStringContext vm.drvPath}\n"
