# The table that we promise, as the real tabulate writes it: ADR 9.
{ pkgs, ... }:
pkgs.runCommand "tabulate"
  { nativeBuildInputs = [ (pkgs.python3.withPackages (set: [ set.tabulate ])) ]; }
  ''
    python3 ${../service/render/tabulate}/tables.py --check | tee $out
  ''
