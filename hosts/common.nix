# The configuration that all hosts share.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.wordtally;
  keys = import ../secrets/keys.nix;
  counts = mkOption {
    type = types.attrsOf types.ints.positive;
    default = { };
    description = "Known counts, by corpus.";
  };
  bigquery = if cfg.standinAccess == null then "bigquery" else "standin";
in
{
  imports = [
    ../deploy/module.nix
    ../pipeline/module.nix
    ./placeholders.nix
  ];

  options.wordtally = {
    environment = mkOption {
      type = types.str;
      description = "Name of this environment in `environments.nix`.";
    };
    words = mkOption {
      type = types.attrsOf (
        types.submodule {
          options = {
            word = mkOption {
              type = types.str;
              description = "Word to count.";
            };
            port = mkOption {
              type = types.nullOr types.port;
              default = null;
              description = "The instance's own port, if there is no reverse proxy.";
            };
            expectedCounts = {
              bigquery = counts;
              standin = counts;
            };
            noExpectedCounts = mkOption {
              type = types.nullOr types.str;
              default = null;
              description = "Why no count is expected.";
            };
          };
        }
      );
      description = "Words that this host counts, by instance name.";
    };
    standinAccess = mkOption {
      type = types.nullOr types.path;
      default = null;
      description = "IAM file of the stand-in that replaces BigQuery on this host; `null`: the queries go to Google's BigQuery.";
    };
    hostKey = mkOption {
      type = types.str;
      default =
        keys.hosts.${cfg.environment}
          or (throw "secrets/keys.nix has no host key for '${cfg.environment}': add one as hosts.${cfg.environment}");
      defaultText = lib.literalMD "this environment's key in `secrets/keys.nix`";
      description = "Public half of the SSH host key that decrypts this host's secrets.";
    };
  };

  config = {
    networking.hostName = "wordtally-${cfg.environment}";
    system.stateVersion = "26.05";
    time.timeZone = "UTC";

    services.wordtally = {
      enable = true;
      defaults = {
        credentialFile = config.age.secrets."bigquery.json".path;
        bigqueryEndpoint = lib.mkIf (cfg.standinAccess != null) "http://127.0.0.1:9050";
        # BigQuery and Google's token server are reached through private.googleapis.com, to which the zone googleapis.com
        # must resolve. The last address is the metadata server, which is also the resolver of a machine at Google.
        allowedAddresses = [
          "localhost"
        ]
        ++ lib.optionals (cfg.standinAccess == null) [
          "199.36.153.8/30"
          "169.254.169.254"
        ];
      };
    };
    services.bigquery-standin = lib.mkIf (cfg.standinAccess != null) {
      enable = true;
      iam = [ cfg.standinAccess ];
    };
    age.secrets."bigquery.json".file = ../secrets + "/${cfg.environment}/bigquery.json.age";

    wordtally = {
      deployers = keys.deployers.${cfg.environment} or { };
      deployment = {
        hostKey = lib.mkDefault cfg.hostKey;
        expectedCounts = lib.filterAttrs (_: counts: counts != { }) (
          lib.mapAttrs (_: word: word.expectedCounts.${bigquery}) cfg.words
        );
        noExpectedCounts = lib.filterAttrs (_: reason: reason != null) (
          lib.mapAttrs (_: word: word.noExpectedCounts) cfg.words
        );
      };
    };

    services.openssh = {
      enable = true;
      settings = {
        PasswordAuthentication = false;
        KbdInteractiveAuthentication = false;
        PermitRootLogin = lib.mkDefault "prohibit-password";
      };
    };

    # Deployers are not root, but operators, who are root, may also deploy.
    users.users.root.openssh.authorizedKeys.keys = lib.attrValues keys.operators;
    users.users.deploy.openssh.authorizedKeys.keys = lib.attrValues keys.operators;

    networking.firewall.enable = true;
    networking.nftables.enable = true;

    # All logs go to the journal. An hourly job that failed during a deployment would roll it back.
    services.logrotate.enable = false;

    # Nothing is built or changed on a host except by a deployment.
    users.mutableUsers = false;
    environment.defaultPackages = [ ];
    environment.systemPackages = [ pkgs.curl ];
    documentation.enable = false;
  };
}
