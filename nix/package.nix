# The service and its stand-in, and the checks of their code.
{
  lib,
  pkgs,
  crane,
}:
let
  root = ../.;
  manifest = lib.importTOML ../Cargo.toml;

  commonArgs = {
    pname = "wordtally";
    inherit (manifest.workspace.package) version;
    src = lib.fileset.toSource {
      inherit root;
      fileset = lib.fileset.unions [
        ../Cargo.toml
        ../Cargo.lock
        ../bench/plain-hyper
        ../src
        ../standin
      ];
    };
    strictDeps = true;
    # Tests are a check of their own, on the machine's own libc.
    doCheck = false;
  };

  # One static binary for the hosts and for the image, so that both run the same bytes.
  musl =
    if pkgs.stdenv.hostPlatform.isx86_64 then
      pkgs.pkgsCross.musl64
    else
      pkgs.pkgsCross.aarch64-multiplatform-musl;
  craneStatic = crane.mkLib musl;
  static =
    args:
    let
      staticArgs =
        commonArgs
        // {
          CARGO_BUILD_TARGET = musl.stdenv.hostPlatform.rust.rustcTarget;
          CARGO_BUILD_RUSTFLAGS = "-C target-feature=+crt-static";
        }
        // args;
    in
    craneStatic.buildPackage (
      staticArgs
      // {
        # What is built need not be checked before: that doubles the time.
        cargoArtifacts = craneStatic.buildDepsOnly (staticArgs // { cargoCheckCommand = "true"; });
        meta = {
          inherit (manifest.package) description;
          license = lib.licenses.mit;
          mainProgram = "wordtally";
          platforms = lib.platforms.linux;
        };
      }
    );
in
{
  # What is shipped: without the stand-in.
  wordtally = static { cargoExtraArgs = "--locked --package wordtally --no-default-features"; };

  # The same program with the stand-in's commands.
  bigquery-standin = static {
    pname = "bigquery-standin";
    cargoExtraArgs = "--locked --package wordtally";
  };
}
