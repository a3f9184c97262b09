# The canary finds each kind of planted secret in each kind of place.
{ pkgs, lib, ... }:
let
  files = lib.fileset.toSource {
    root = ../../.;
    fileset = ../.;
  };
in
pkgs.runCommand "canary"
  {
    nativeBuildInputs = [
      pkgs.age
      pkgs.openssl
      pkgs.python3
      pkgs.zstd
    ];
  }
  ''
    cp -r ${files}/secrets .
    chmod -R u+w secrets
    patchShebangs secrets/tests
    secrets/tests/canary_finds_what_is_planted | tee $out
  ''
