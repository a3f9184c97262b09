# The shipped program is compiled by the toolchain that binary caches have: its derivations contain no compiler and no C
# library other than those of unmodified nixpkgs. Another target, or an overlay of a compiler, would cost each user an hour.
{
  pkgs,
  lib,
  self,
  ...
}:
let
  inherit (pkgs.stdenv.hostPlatform) system;
  inherit (self.packages.${system}) wordtally bigquery-standin;
  # Without any overlay that this flake might add.
  nixpkgs = self.inputs.nixpkgs.legacyPackages.${system};

  recorded = {
    stdenv = nixpkgs.stdenv; # gcc links the program and compiles the C and assembly of crates; glibc is what gcc runs on
    rustc = nixpkgs.rustc; # compiles the crates; it brings LLVM, and its standard library for this target
    cargo = nixpkgs.cargo; # runs rustc; built by a rustc of its own
    "glibc.static" = nixpkgs.glibc.static; # libc.a, an output of stdenv's glibc
  };

  # The .drv file and those that it refers to, without their outputs.
  file = package: builtins.unsafeDiscardOutputDependency package.drvPath;
  planted = pkgs.runCommand "planted" {
    compiler = pkgs.runCommand "x86_64-unknown-linux-musl-gcc-15.2.0" { } "exit 1";
  } "exit 1";
in
pkgs.runCommand "toolchain"
  {
    nativeBuildInputs = [ pkgs.python3 ];
    recorded = map file (lib.attrValues recorded);
    shipped = map file [
      wordtally
      bigquery-standin
    ];
    planted = file planted;
  }
  ''
    if python3 ${./toolchain.py} "$recorded" "$planted"; then
      echo "a planted compiler was not found" >&2
      exit 1
    fi
    python3 ${./toolchain.py} "$recorded" "$shipped" | tee $out
  ''
