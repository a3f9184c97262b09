# The tools for working on this project.
{
  lib,
  stdenv,
  callPackage,
  mkShell,
  age,
  agenix,
  cargo,
  cargo-deny,
  cargo-nextest,
  clippy,
  cosign,
  curl,
  gitlab-ci-local,
  jq,
  openssl,
  qemu,
  rust-analyzer,
  rustc,
  rustfmt,
}:
mkShell {
  packages = [
    (callPackage ./formatter.nix { })
    age
    agenix.packages.${stdenv.hostPlatform.system}.agenix
    cargo
    cargo-deny
    cargo-nextest
    clippy
    cosign
    curl
    jq
    openssl
    qemu
    rust-analyzer
    rustc
    rustfmt
  ]
  ++ lib.optional (lib.meta.availableOn stdenv.hostPlatform gitlab-ci-local) gitlab-ci-local;
}
