# What the pipeline's jobs build and run.
{
  pkgs,
  self,
  ...
}:
{
  push-cache = pkgs.callPackage ./push-cache.nix { };
}
// import ./stages.nix {
  inherit (pkgs) lib linkFarm;
  checks = self.checks.${pkgs.stdenv.hostPlatform.system};
}
