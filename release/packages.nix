# A release, its bill of materials, and the commands that publish, sign and verify it.
{
  pkgs,
  self,
  builds,
  hosts,
  offered,
  ...
}:
{
  sbom = pkgs.callPackage ./sbom.nix {
    inherit (builds) wordtally crates;
    inherit (offered) image;
  };
  release = pkgs.callPackage ./release.nix {
    inherit self hosts;
    inherit (builds) wordtally;
    inherit (offered) image sbom;
  };
}
// import ./commands.nix { inherit pkgs; }
