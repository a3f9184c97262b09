# Every Nix file is as the formatter writes it.
{
  pkgs,
  lib,
  ...
}:
let
  files = lib.fileset.toSource {
    root = ../..;
    fileset = lib.fileset.fileFilter (file: file.hasExt "nix") ../..;
  };
in
pkgs.runCommand "format" { nativeBuildInputs = [ pkgs.nixfmt-rs ]; } ''
  cd ${files}
  find . -name '*.nix' -exec nixfmt --check {} +
  touch $out
''
