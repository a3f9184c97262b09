# What `nix flake check` holds: every file in tests/, the code's checks, and that all that is offered builds.
{
  pkgs,
  self,
  builds,
  hosts,
}:
let
  inherit (pkgs) lib;
  inherit (pkgs.stdenv.hostPlatform) system;

  prefixed = prefix: lib.mapAttrs' (name: lib.nameValuePair "${prefix}-${name}");

  tests = lib.mapAttrs' (
    file: _:
    lib.nameValuePair (lib.removeSuffix ".nix" file) (
      import (./tests + "/${file}") {
        inherit
          pkgs
          self
          lib
          hosts
          ;
      }
    )
  ) (lib.filterAttrs (file: _: lib.hasSuffix ".nix" file) (builtins.readDir ./tests));
in
tests
// prefixed "code" builds.${system}.checks
// prefixed "package" self.packages.${system}
// prefixed "shell" self.devShells.${system}
// prefixed "host" (lib.mapAttrs (_: host: host.config.system.build.toplevel) hosts)
