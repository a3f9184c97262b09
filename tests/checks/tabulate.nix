# Compares our text table with the output of the real tabulate: ADR 9.
{ pkgs, ... }:
pkgs.runCommand "tabulate"
  { nativeBuildInputs = [ (pkgs.python3.withPackages (set: [ set.tabulate ])) ]; }
  ''
    python3 ${../service/render/tabulate}/tables.py --check | tee $out
  ''
