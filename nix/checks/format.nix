# Every file is as `nix fmt` leaves it, and its lints have nothing to say.
{ pkgs, self, ... }: self.formatter.${pkgs.stdenv.hostPlatform.system}.check ../../.
