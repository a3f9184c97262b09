# Every folder at the top is a subject: what its `packages.nix` offers is a package of the flake, and each file of its
# `checks/` a check by that name.
{ lib }:
let
  inherit (lib) filterAttrs mapAttrs' pathExists;
  root = ../.;
  entries = path: if pathExists path then builtins.readDir path else { };
  folders = map (name: root + "/${name}") (
    lib.attrNames (filterAttrs (_: type: type == "directory") (entries root))
  );

  # Two subjects never offer one name.
  united = lib.foldl' lib.attrsets.unionOfDisjoint { };
  checksOf =
    arguments: folder:
    mapAttrs' (
      file: _: lib.nameValuePair (lib.removeSuffix ".nix" file) (import (folder + "/${file}") arguments)
    ) (filterAttrs (file: _: lib.hasSuffix ".nix" file) (entries folder));
in
{
  packages =
    arguments:
    united (
      map (folder: import (folder + "/packages.nix") arguments) (
        lib.filter (folder: pathExists (folder + "/packages.nix")) folders
      )
    );
  checks = arguments: united (map (folder: checksOf arguments (folder + "/checks")) folders);
}
