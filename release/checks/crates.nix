# The bill of materials has the crates that cargo would link. cargo is queried independently of the program that wrote it.
{
  pkgs,
  self,
  lib,
  ...
}:
let
  inherit (self.packages.${pkgs.stdenv.hostPlatform.system}) sbom wordtally;
  source = lib.fileset.toSource {
    root = ../../.;
    fileset = lib.fileset.unions [
      ../../Cargo.lock
      ../../Cargo.toml
      ../../bench/plain-hyper
      ../../deploy/Cargo.toml
      ../../deploy/src
      ../../fuzz/Cargo.toml
      ../../fuzz/fuzz_targets
      ../../fuzz/src
      ../../manual/Cargo.toml
      ../../manual/src
      ../../src
      ../../standin/Cargo.toml
      ../../standin/data
      ../../standin/examples
      ../../standin/src
      ../tests/crates_are_cargos.py
    ];
  };
in
pkgs.runCommand "crates"
  {
    nativeBuildInputs = [
      pkgs.cargo
      pkgs.python3
    ];
  }
  ''
    export CARGO_HOME=$PWD/cargo
    mkdir cargo
    cp ${wordtally.cargoVendorDir}/config.toml cargo/
    cp -r ${source} project
    cd project
    python3 release/tests/crates_are_cargos.py ${sbom} | tee $out
  ''
