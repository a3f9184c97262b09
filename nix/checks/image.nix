# The image matches its description: see ./image/layout.nix.
{ pkgs, self, ... }: self.packages.${pkgs.stdenv.hostPlatform.system}.image.tests.layout
