# Production's words for Kubernetes and for Cloud Run.
{
  pkgs,
  builds,
  hosts,
  ...
}:
let
  manifests =
    file:
    pkgs.callPackage file {
      inherit (builds) wordtally;
      host = hosts.prod;
      platforms = import ./platforms.nix;
    };
in
{
  kubernetes = manifests ./kubernetes.nix;
  cloud-run = manifests ./cloud-run.nix;
}
