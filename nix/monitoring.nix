# Prometheus and its alert rules: every word, from inside and as a visitor sees it.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkDefault mkOption types;
  wordtally = config.services.wordtally;
  cfg = wordtally.monitoring;
  inherit (wordtally) frontdoor instances;
  inherit (config.services) prometheus;
  inherit (prometheus.exporters) blackbox;
  json = pkgs.formats.json { };

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
  alertRules = checked "wordtally-alert-rules" (
    import ./alert-rules.nix { inherit lib; } {
      inherit instances;
      inherit (cfg) certificateDays;
    }
  );
  sloRules = checked "wordtally-slo-rules" (
    import ./slo-rules.nix { inherit lib; } {
      inherit (cfg) objectives;
      inherit probeSeconds;
    }
  );

  blackboxConfig = json.generate "wordtally-blackbox.json" {
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

  # Options that are not set are not for Prometheus to read.
  withoutNulls =
    value:
    if lib.isAttrs value && !lib.isDerivation value then
      lib.mapAttrs (_: withoutNulls) (lib.filterAttrs (_: v: v != null) (removeAttrs value [ "_module" ]))
    else if lib.isList value then
      map withoutNulls value
    else
      value;

  # Below, the critical alert could never fire; above, a month's budget is a few probes.
  objective = types.numbers.between 0.95 0.9999;

  labels = name: instance: {
    instance = name;
    inherit (instance) word;
  };
in
{
  imports = [ ./grafana.nix ];

  options.services.wordtally.monitoring = {
    enable = lib.mkEnableOption "Prometheus with alert rules for every word; it needs the front door";
    certificateAuthority = mkOption {
      type = types.nullOr types.path;
      default = null;
      description = "PEM file that the front door's certificate is checked against; `null`: the machine's authorities.";
    };
    certificateDays = mkOption {
      type = types.ints.positive;
      default = 14;
      description = "Days before the certificate's end at which the alert fires.";
    };
    objectives = {
      availability = mkOption {
        type = objective;
        default = 0.999;
        description = "Share of 30 days in which each page answers at the front door.";
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
        assertion = frontdoor.enable;
        message = "services.wordtally.monitoring asks through the front door, which is off: set services.wordtally.frontdoor.enable.";
      }
    ];

    services.prometheus = {
      enable = true;
      listenAddress = mkDefault "127.0.0.1";
      globalConfig = {
        scrape_interval = mkDefault "15s";
        evaluation_interval = mkDefault "15s";
      };
      ruleFiles = [
        alertRules
        sloRules
      ];
      # The budget is that of 30 days.
      retentionTime = mkDefault "35d";
      # All that NixOS would write, as JSON, which needs no converter to be built.
      configText = mkDefault (
        builtins.toJSON (withoutNulls {
          global = prometheus.globalConfig;
          scrape_configs = prometheus.scrapeConfigs;
          remote_write = prometheus.remoteWrite;
          remote_read = prometheus.remoteRead;
          rule_files =
            prometheus.ruleFiles
            ++ lib.optional (prometheus.rules != [ ]) (
              pkgs.writeText "rules.yml" (lib.concatStringsSep "\n" prometheus.rules)
            );
          alerting.alertmanagers = prometheus.alertmanagers;
        })
      );
      scrapeConfigs = [
        {
          job_name = "wordtally";
          static_configs = lib.mapAttrsToList (name: instance: {
            targets = [ frontdoor.insideListen ];
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
          static_configs = lib.mapAttrsToList (name: instance: {
            targets = [ "https://${frontdoor.hostName}/${name}/" ];
            labels = labels name instance;
          }) instances;
          # The page is what the exporter asks for; the exporter is what Prometheus asks.
          relabel_configs = [
            {
              source_labels = [ "__address__" ];
              target_label = "__param_target";
            }
            {
              target_label = "__address__";
              replacement = "${blackbox.listenAddress}:${toString blackbox.port}";
            }
          ];
        }
      ];
      exporters.blackbox = {
        enable = true;
        listenAddress = mkDefault "127.0.0.1";
        configFile = blackboxConfig;
        # Nothing in it is an adopter's but one path.
        enableConfigCheck = mkDefault false;
      };
    };
  };
}
