# Grafana with the dashboard and the Prometheus beside it, on loopback. Who may log in, and by what, is `services.grafana`.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkDefault;
  wordtally = config.services.wordtally;
  cfg = wordtally.monitoring.grafana;
  inherit (config.services) prometheus;
  dashboard = pkgs.callPackage ./dashboard { };
in
{
  options.services.wordtally.monitoring.grafana.enable =
    lib.mkEnableOption "Grafana with a dashboard of every word; `services.grafana.settings.security.secret_key` must be set";

  config = lib.mkIf (wordtally.enable && wordtally.monitoring.enable && cfg.enable) {
    services.grafana = {
      enable = true;
      settings = {
        server.http_addr = mkDefault "127.0.0.1";
        analytics = {
          reporting_enabled = mkDefault false;
          check_for_updates = mkDefault false;
          check_for_plugin_updates = mkDefault false;
        };
      };
      provision = {
        enable = true;
        datasources.settings.datasources = [
          {
            name = "Prometheus of wordtally";
            type = "prometheus";
            url = "http://${prometheus.listenAddress}:${toString prometheus.port}";
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
