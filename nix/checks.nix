# The checks of `nix flake check`: those of each subject, those of the code, and that every output builds.
{
  pkgs,
  self,
  builds,
  hosts,
  subjects,
}:
let
  inherit (pkgs) lib;
  inherit (pkgs.stdenv.hostPlatform) system;

  prefixed = prefix: lib.mapAttrs' (name: lib.nameValuePair "${prefix}-${name}");
in
subjects.checks {
  inherit
    pkgs
    self
    lib
    hosts
    ;
}
// prefixed "code" (
  builds.${system}.checks
  // {
    tests = pkgs.callPackage ./nextest.nix { } "code-tests" builds.${system}.checks.tests;
  }
)
// prefixed "package" self.packages.${system}
// prefixed "shell" self.devShells.${system}
// prefixed "host" (lib.mapAttrs (_: host: host.config.system.build.toplevel) hosts)
