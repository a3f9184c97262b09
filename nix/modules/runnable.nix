# A program that can run on the platform that builds a host: the host's own, or this flake's for that platform.
{ packagesFor }:
{ pkgs, package }:
if pkgs.stdenv.buildPlatform.canExecute pkgs.stdenv.hostPlatform then
  package
else
  (packagesFor pkgs.buildPackages).wordtally
    or (throw "services.wordtally: there is no wordtally package for ${pkgs.stdenv.buildPlatform.system}, on which this system is built: build it on x86_64-linux or aarch64-linux.")
