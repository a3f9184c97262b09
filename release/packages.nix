# A release and its bill of materials. `deploy` publishes, signs and verifies it.
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
