# The modules as other flakes import them. Each keeps its file, for error messages, and its key, so that a module that is
# imported twice, or also as `default`, takes effect once.
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
