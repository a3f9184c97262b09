# The canary finds what is planted: each kind of secret, in each kind of place.
{ pkgs, lib, ... }:
let
  files = lib.fileset.toSource {
    root = ../..;
    fileset = lib.fileset.unions [
      ../../secrets
      ../../tests/secrets
    ];
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
    cp -r ${files}/tests ${files}/secrets .
    chmod -R u+w tests
    patchShebangs tests
    tests/secrets/canary_finds_what_is_planted | tee $out
  ''
