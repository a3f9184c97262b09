# What the pipeline's jobs build and run.
{
  pkgs,
  self,
  hosts,
  ...
}:
let
  environments = pkgs.callPackage ./environments.nix { inherit hosts; };
in
{
  push-cache = pkgs.callPackage ./push-cache.nix { };
  write-pipeline = pkgs.writeShellApplication {
    name = "write-pipeline";
    runtimeInputs = [
      pkgs.coreutils
      pkgs.gitMinimal
    ];
    text = ''
      cd "$(git rev-parse --show-toplevel)"
      install -m 644 ${environments} pipeline/environments.yml
    '';
    passthru = { inherit environments; };
    meta.description = "Writes the pipeline's jobs for each environment into this clone";
  };
}
// import ./groups.nix {
  inherit (pkgs) lib linkFarm;
  checks = self.checks.${pkgs.stdenv.hostPlatform.system};
}
