# Each environment's system, for one architecture.
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
        # The flake's own package set: each host would evaluate one anew.
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
