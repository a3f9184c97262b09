# The template of `nix flake init` is a system that builds, with this flake as its input. The module that it imports may be
# imported twice, and errors name its file.
{
  pkgs,
  lib,
  self,
  ...
}:
let
  inherit (self.templates.default) path;
  written = (import "${path}/flake.nix").outputs {
    self = throw "the template's flake needs itself";
    inherit (self.inputs) nixpkgs;
    wordtally = self;
  };
  host = written.nixosConfigurations.shakespeare.extendModules {
    modules = [
      # The package set of this check, whichever platform configuration.nix names.
      { nixpkgs.pkgs = pkgs; }
      # Skips NixOS's manual.
      { documentation.enable = false; }
      # The module under its own name, besides `default`.
      self.nixosModules.wordtally
    ];
  };
in
assert lib.all (unit: host.config.systemd.units ? ${unit}) [
  "wordtally-love.service"
  "wordtally-love.socket"
  "wordtally-romeo.service"
  "wordtally-romeo.socket"
];
assert
  map toString host.options.services.wordtally.enable.declarations
  == [ "${self}/nix/modules/wordtally.nix" ];
host.config.system.build.toplevel
