# Prometheus and its alert rules. It watches every word through its own metrics and as a client sees it.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  wordtally = config.services.wordtally;
  cfg = wordtally.monitoring;
  inherit (wordtally) reverseProxy instances;
  inherit (config.services) prometheus;
  json = pkgs.formats.json { };

  watchSeconds = 15;
  probeSeconds = 30;

  # JSON is YAML.
  checked =
    name: rules:
    let
      file = json.generate "${name}.json" rules;
    in
    pkgs.runCommand "${name}.yml" { } ''
      ${pkgs.prometheus.cli}/bin/promtool check rules --lint-fatal ${file}
      cp ${file} $out
    '';
  alertRules = checked "wordtally-alert-rules" ({
    inherit
      (import ./alerts { inherit lib; } {
        inherit instances watchSeconds;
        inherit (cfg) certificateDays;
      })
      groups
      ;
  });
  sloRules = checked "wordtally-slo-rules" (
    import ./slo-rules.nix { inherit lib; } {
      inherit (cfg) objectives;
      inherit probeSeconds;
    }
  );

  blackboxAddress = "127.0.0.1:${toString cfg.blackboxPort}";
  blackboxConfig =
    let
      file = json.generate "wordtally-blackbox.json" {
        modules.page = {
          prober = "http";
          timeout = "10s";
          http = {
            fail_if_not_ssl = true;
            follow_redirects = false;
            preferred_ip_protocol = "ip4";
            tls_config = lib.optionalAttrs (cfg.certificateAuthority != null) {
              ca_file = "${cfg.certificateAuthority}";
            };
          };
        };
      };
    in
    pkgs.runCommand "wordtally-blackbox.yml" { } ''
      ${lib.getExe pkgs.buildPackages.prometheus-blackbox-exporter} --config.check --config.file ${file}
      cp ${file} $out
    '';

  # Below this range, the critical alert could never fire; above it, a month's budget would be a few probes.
  objective = types.numbers.between 0.95 0.9999;

  labels = name: instance: {
    instance = name;
    inherit (instance) word;
  };
in
{
  imports = [ ./grafana.nix ];

  options.services.wordtally.monitoring = {
    enable = lib.mkEnableOption "Prometheus with alert rules for every word, which requires the reverse proxy";
    certificateAuthority = mkOption {
      type = types.nullOr types.path;
      default = null;
      description = "PEM file that verifies the reverse proxy's certificate; `null`: the machine's certificate authorities.";
    };
    certificateDays = mkOption {
      type = types.ints.positive;
      default = 14;
      description = "Days before the certificate expires at which the alert fires.";
    };
    blackboxPort = mkOption {
      type = types.port;
      default = 9181;
      description = "Port on the loopback for the blackbox exporter that probes the pages. The host's own blackbox exporter is separate.";
    };
    objectives = {
      availability = mkOption {
        type = objective;
        default = 0.999;
        description = "Share of 30 days in which each page is available at the reverse proxy.";
      };
      freshness = mkOption {
        type = objective;
        default = 0.99;
        description = "Share of 30 days in which each answer is younger than twice its TTL.";
      };
    };
  };

  config = lib.mkIf (wordtally.enable && cfg.enable) {
    assertions = [
      {
        assertion = reverseProxy.enable;
        message = "services.wordtally.monitoring probes through the reverse proxy, which is disabled: set services.wordtally.reverseProxy.enable.";
      }
      {
        assertion = prometheus.configText == null;
        message = "services.prometheus.configText replaces all jobs and rules, including those of services.wordtally.monitoring: use the options of services.prometheus.";
      }
    ];
    warnings =
      lib.optional (prometheus.retentionTime == null)
        "services.prometheus.retentionTime is not set, so Prometheus keeps 15 days: wordtally's error budget covers 30 days, so set 35d or more.";

    # Only jobs and rules, each with its own interval: the host decides everything else about Prometheus.
    services.prometheus = {
      enable = true;
      ruleFiles = [
        alertRules
        sloRules
      ];
      scrapeConfigs = [
        {
          job_name = "wordtally";
          scrape_interval = "${toString watchSeconds}s";
          scrape_timeout = "10s";
          static_configs = lib.mapAttrsToList (name: instance: {
            targets = [ reverseProxy.internalListen ];
            labels = labels name instance // {
              __metrics_path__ = "/${name}/metrics";
            };
          }) instances;
        }
        {
          job_name = "wordtally-page";
          metrics_path = "/probe";
          params.module = [ "page" ];
          scrape_interval = "${toString probeSeconds}s";
          # The exporter ends a probe half a second before this timeout, and so here after its own 10 seconds.
          scrape_timeout = "11s";
          static_configs = lib.mapAttrsToList (name: instance: {
            targets = [ "https://${reverseProxy.hostName}/${name}/" ];
            labels = labels name instance;
          }) instances;
          # The exporter requests the page, and Prometheus scrapes the exporter.
          relabel_configs = [
            {
              source_labels = [ "__address__" ];
              target_label = "__param_target";
            }
            {
              target_label = "__address__";
              replacement = blackboxAddress;
            }
          ];
        }
      ];
    };

    # A separate exporter: NixOS's has only one configuration file, which belongs to the host. No instance has a unit of this name.
    systemd.services.prometheus-wordtally-blackbox-exporter = {
      description = "Blackbox exporter that probes wordtally's pages";
      wantedBy = [ "multi-user.target" ];
      after = [ "network.target" ];
      serviceConfig = import ../nix/modules/sandbox.nix // {
        ExecStart = ''
          ${lib.getExe pkgs.prometheus-blackbox-exporter} \
            --web.listen-address=${blackboxAddress} \
            --config.file=${blackboxConfig}
        '';
        Restart = "always";
        RestartSec = "1s";
        MemoryMax = "256M";
        TasksMax = 64;
        RestrictAddressFamilies = [
          "AF_INET"
          "AF_INET6"
        ];
      };
    };
  };
}
