# The service and its image.
{
  pkgs,
  self,
  builds,
  offered,
  ...
}:
{
  inherit (builds) wordtally;
  default = builds.wordtally;
  image = pkgs.callPackage ./image.nix {
    inherit self;
    inherit (builds) wordtally;
  };
  image-test = pkgs.callPackage ./image-test.nix {
    inherit (offered) bigquery-standin image;
  };
}
