# `nix fmt`: treefmt with the programs that treefmt.toml names.
{
  bash,
  deadnix,
  findutils,
  nixfmt-rs,
  python3,
  ruff,
  rustfmt,
  shellcheck,
  shfmt,
  statix,
  taplo,
  treefmt,
}:
treefmt.withConfig {
  configFile = ../treefmt.toml;
  runtimeInputs = [
    bash
    deadnix
    findutils
    nixfmt-rs
    # mypy, and the typed packages that the tests import.
    (python3.withPackages (set: [
      set.mypy
      set.pytest
      set.types-pyyaml
    ]))
    ruff
    rustfmt
    shellcheck
    shfmt
    statix
    taplo
  ];
}
