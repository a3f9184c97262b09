# Every file is formatted by `nix fmt`, and its linters report nothing.
{ pkgs, self, ... }: self.formatter.${pkgs.stdenv.hostPlatform.system}.check ../../.
