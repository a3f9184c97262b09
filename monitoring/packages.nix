# Grafana's dashboard.
{ pkgs, ... }:
{
  dashboard = pkgs.callPackage ./dashboard { };
}
