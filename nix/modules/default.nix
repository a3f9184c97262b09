# The modules as others take them. Each keeps its file, for error messages, and its key, so that one that is imported twice,
# or as `default` too, is imported once.
{ lib, packagesFor }:
let
  modules =
    lib.mapAttrs
      (_: file: {
        _class = "nixos";
        _file = file;
        key = toString file;
        imports = [ (lib.modules.importApply file { inherit packagesFor; }) ];
      })
      {
        wordtally = ./wordtally.nix;
        bigquery-standin = ../../standin/module.nix;
      };
in
modules // { default = modules.wordtally; }
