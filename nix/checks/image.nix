# The image is what it is said to be: see ./image/layout.nix.
{ pkgs, self, ... }: self.packages.${pkgs.stdenv.hostPlatform.system}.image.tests.layout
