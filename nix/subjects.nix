# Every top-level folder is a subject: the packages in its `packages.nix` are packages of the flake, and each file in its
# `checks/` is a check of the same name.
{ lib }:
let
  inherit (lib) filterAttrs mapAttrs' pathExists;
  root = ../.;
  entries = path: if pathExists path then builtins.readDir path else { };
  folders = map (name: root + "/${name}") (
    lib.attrNames (filterAttrs (_: type: type == "directory") (entries root))
  );

  # Fails if two subjects have the same name for something.
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
