{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
  inputs.wordtally.url = "gitlab:wordtally/wordtally";

  outputs =
    { nixpkgs, wordtally, ... }:
    {
      nixosConfigurations.shakespeare = nixpkgs.lib.nixosSystem {
        modules = [
          wordtally.nixosModules.default
          ./configuration.nix
          ./host.nix
        ];
      };
    };
}
