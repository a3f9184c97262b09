# What `nix flake check` holds: every file in tests/, the code's checks, and that all that is offered builds.
{
  pkgs,
  self,
  builds,
}:
let
  inherit (pkgs) lib;
  inherit (pkgs.stdenv.hostPlatform) system;

  prefixed = prefix: lib.mapAttrs' (name: lib.nameValuePair "${prefix}-${name}");

  tests = lib.mapAttrs' (
    file: _:
    lib.nameValuePair (lib.removeSuffix ".nix" file) (
      import (./tests + "/${file}") { inherit pkgs self lib; }
    )
  ) (lib.filterAttrs (file: _: lib.hasSuffix ".nix" file) (builtins.readDir ./tests));

  # Those of this architecture.
  hosts = lib.mapAttrs (_: host: host.config.system.build.toplevel) (
    lib.filterAttrs (_: host: host.pkgs.stdenv.hostPlatform.system == system) self.nixosConfigurations
  );
in
tests
// prefixed "code" builds.${system}.checks
// prefixed "package" self.packages.${system}
// prefixed "shell" self.devShells.${system}
// prefixed "host" hosts
