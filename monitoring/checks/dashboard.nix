# Each query of the dashboard returns data from a real Prometheus, which has mock production's own jobs and rules and watches
# real instances. Grafana, if enabled, gets this dashboard and that Prometheus.
{
  pkgs,
  self,
  lib,
  hosts,
}:
let
  inherit (pkgs.stdenv.hostPlatform) system;
  inherit (self.packages.${system}) bigquery-standin dashboard;
  host =
    (hosts.mock-prod.extendModules {
      modules = [
        {
          services.wordtally.monitoring.grafana.enable = true;
          services.grafana.settings.security.secret_key = "$__file{/run/keys/grafana}";
        }
      ];
    }).config;
  inherit (host.services) grafana prometheus;
  plain = hosts.prod.config;

  provider = lib.head grafana.provision.dashboards.settings.providers;
  source = lib.head grafana.provision.datasources.settings.datasources;
  expectations = {
    "Grafana is off by default" = !plain.services.grafana.enable;
    "it listens on loopback" = grafana.settings.server.http_addr == "127.0.0.1";
    "its port is not opened" =
      !lib.elem grafana.settings.server.http_port host.networking.firewall.allowedTCPPorts;
    "it reads the dashboard" = "${provider.options.path}" == "${dashboard}";
    "it queries the local Prometheus" = source.url == "http://127.0.0.1:${toString prometheus.port}";
    "nothing is refused" = lib.all (a: a.assertion) host.assertions;
  };
  missing = lib.attrNames (lib.filterAttrs (_: holds: !holds) expectations);
in
if missing != [ ] then
  throw "Grafana is not set up as expected. Not true: '${lib.concatStringsSep "', '" missing}'"
else
  pkgs.callPackage ../../nix/pytest.nix { } {
    name = "wordtally-dashboard-checked";
    tests = [ "monitoring/tests/dashboard" ];
    tools = [
      pkgs.nginx
      pkgs.openssl
      pkgs.prometheus
      pkgs.prometheus.cli
      pkgs.prometheus-blackbox-exporter
      pkgs.remarshal
      bigquery-standin
    ];
    env = {
      DASHBOARD = "${dashboard}/wordtally.json";
      # The command that starts the host's unit.
      prometheus = host.systemd.services.prometheus.serviceConfig.ExecStart;
      blackbox = host.systemd.services.prometheus-wordtally-blackbox-exporter.serviceConfig.ExecStart;
    };
    setup = ''
      file() { grep -oP -- '--config.file=\K[^ ]+' <<<"$1"; }
      export PROMETHEUS=$HOME/prometheus.json BLACKBOX
      yaml2json "$(file "$prometheus")" "$PROMETHEUS"
      BLACKBOX=$(file "$blackbox")
    '';
  }
