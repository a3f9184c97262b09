# `nix fmt`: treefmt with the programs that treefmt.toml names.
{
  bash,
  deadnix,
  nixfmt-rs,
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
    nixfmt-rs
    ruff
    rustfmt
    shellcheck
    shfmt
    statix
    taplo
  ];
}
