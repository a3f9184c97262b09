# Grafana with the dashboard and the local Prometheus. `services.grafana` sets where it listens and who may log in, and how.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  wordtally = config.services.wordtally;
  cfg = wordtally.monitoring.grafana;
  inherit (config.services) prometheus;
  address = import ../nix/modules/address.nix { inherit lib; };
  dashboard = pkgs.callPackage ./dashboard { };
in
{
  options.services.wordtally.monitoring.grafana.enable =
    lib.mkEnableOption "Grafana with a dashboard for every word; `services.grafana.settings.security.secret_key` must be set";

  config = lib.mkIf (wordtally.enable && wordtally.monitoring.enable && cfg.enable) {
    services.grafana = {
      enable = true;
      provision = {
        enable = true;
        datasources.settings.datasources = [
          {
            name = "Prometheus of wordtally";
            type = "prometheus";
            url = "http://${address "${prometheus.listenAddress}:${toString prometheus.port}"}";
          }
        ];
        dashboards.settings.providers = [
          {
            name = "wordtally";
            options.path = dashboard;
          }
        ];
      };
    };
  };
}
