# The system of each environment, for one architecture.
{
  nixpkgs,
  agenix,
  modules,
  system,
  deploy-host,
}:
let
  host =
    name: environment:
    nixpkgs.lib.nixosSystem {
      modules = [
        # The flake's package set: otherwise each host would evaluate its own.
        nixpkgs.nixosModules.readOnlyPkgs
        { nixpkgs.pkgs = nixpkgs.legacyPackages.${system}; }
        agenix.nixosModules.age
        modules.wordtally
        modules.bigquery-standin
        ./common.nix
        environment
        {
          wordtally = {
            environment = name;
            deployment.package = deploy-host;
          };
        }
      ];
    };
in
nixpkgs.lib.mapAttrs host (import ./environments.nix)
