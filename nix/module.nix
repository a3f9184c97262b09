# One unit and one socket per word.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.services.wordtally;
  unit = name: "wordtally-${name}";

  # `listen` as systemd writes it: `unix:/path` is a path there, an address stays what it is.
  stream = lib.removePrefix "unix:";
  isUnix = lib.hasPrefix "unix:";
  port = listen: lib.toInt (lib.last (lib.splitString ":" listen));

  environment = import ./environment.nix { inherit lib; };

  # So that a unit is restarted when its own secret changes.
  encryptedFiles = import ./encrypted-files.nix { inherit lib config; };

  socket = name: instance: {
    description = "wordtally's socket for ${name}";
    wantedBy = [ "sockets.target" ];
    socketConfig = {
      ListenStream = stream instance.listen;
      SocketMode = "0660";
      SocketGroup = cfg.socketGroup;
      # Requests wait here while the service restarts.
      Backlog = 4096;
      NoDelay = true;
    };
  };

  service = name: instance: {
    description = "wordtally: counts ${name}";
    documentation = [ "https://gitlab.com/wordtally/wordtally/-/tree/main/docs" ];
    wantedBy = [ "multi-user.target" ];
    requires = [ "${unit name}.socket" ];
    after = [
      "${unit name}.socket"
      "network.target"
    ];
    # A restart leaves no time in which nothing is started; the socket keeps what arrives meanwhile.
    stopIfChanged = false;
    restartTriggers = encryptedFiles instance.credentialFile;
    startLimitIntervalSec = 0;
    # `%` begins a specifier of systemd's.
    environment = lib.mapAttrs (_: lib.replaceStrings [ "%" ] [ "%%" ]) (environment instance);
    serviceConfig = {
      Type = "notify";
      ExecStart = "${lib.getExe cfg.package} serve";
      LoadCredential = lib.mkIf (
        instance.credentialFile != null
      ) "bigquery.json:${toString instance.credentialFile}";
      Restart = "always";
      RestartSec = "1s";
      RestartSteps = 5;
      RestartMaxDelaySec = "30s";
      # The first refresh may take 10 seconds, a drain too.
      TimeoutStartSec = "60s";
      TimeoutStopSec = "20s";
      WatchdogSec = "30s";
      MemoryMax = instance.memoryMax;
      MemorySwapMax = 0;
      TasksMax = instance.tasksMax;
      # Connections, and some files.
      LimitNOFILE = 8192;
      IPAddressDeny = lib.mkIf (instance.allowedAddresses != null) "any";
      IPAddressAllow = lib.mkIf (instance.allowedAddresses != null) instance.allowedAddresses;
    }
    // import ./hardening.nix {
      inherit (builtins) storeDir;
      paths = [
        # Names and CA certificates. Whole: a file in it that is replaced would stay what it was.
        "/etc"
        "-/run/systemd/resolve"
      ];
    };
  };

  checked = import ./check-values.nix {
    inherit lib;
    inherit (pkgs) runCommand;
    inherit (cfg) package;
    where = "services.wordtally.instances";
  } (lib.mapAttrs (_: instance: environment instance // { LISTEN = instance.listen; }) cfg.instances);

  isUnitName = name: builtins.match "[a-zA-Z0-9][a-zA-Z0-9_-]*" name != null;
  # Another name gets an assertion's sentence, which systemd's own types would come before.
  named = lib.filterAttrs (name: _: isUnitName name) cfg.instances;

  listeners = lib.groupBy (name: cfg.instances.${name}.listen) (lib.attrNames cfg.instances);
in
{
  imports = [
    ./frontdoor.nix
    ./monitoring.nix
  ];

  options.services.wordtally = {
    enable = lib.mkEnableOption "wordtally: one page per word, with its count in each work";
    package = mkOption {
      type = types.package;
      description = "The service.";
    };
    socketGroup = mkOption {
      type = types.str;
      default = "root";
      description = "Group that may connect to the instances' Unix sockets: the front door's.";
    };
    defaults = import ./instance-options.nix {
      inherit lib;
      defaults = null;
    };
    instances = mkOption {
      default = { };
      description = "Words to count, each by a unit of its own, `wordtally-<name>`.";
      example = lib.literalExpression ''{ love.word = "love"; romeo.word = "Romeo"; }'';
      type = types.attrsOf (
        types.submodule (
          { name, ... }:
          {
            options =
              import ./instance-options.nix {
                inherit lib;
                inherit (cfg) defaults;
              }
              // {
                word = mkOption {
                  type = types.str;
                  description = "Word to count, matched exactly: it may have spaces, quotes and any other characters.";
                };
                listen = mkOption {
                  type = types.str;
                  default = "unix:/run/wordtally/${name}.sock";
                  defaultText = lib.literalExpression ''"unix:/run/wordtally/''${name}.sock"'';
                  example = "127.0.0.1:8081";
                  description = "`unix:/path` or `IP:PORT`.";
                };
                openFirewall = mkOption {
                  type = types.bool;
                  default = false;
                  description = "Whether to open the port of `listen` in the firewall.";
                };
              };
          }
        )
      );
    };
  };

  config = lib.mkIf cfg.enable {
    assertions =
      lib.mapAttrsToList (listen: names: {
        assertion = lib.length names == 1;
        message = "services.wordtally.instances: ${lib.concatStringsSep " and " names} both listen on ${listen}: give each a `listen` of its own.";
      }) listeners
      ++ lib.concatLists (
        lib.mapAttrsToList (name: instance: [
          {
            assertion = instance.word != "";
            message = "services.wordtally.instances.${name}.word is empty: give the word to count, such as \"the\".";
          }
          {
            assertion = isUnitName name;
            message = "services.wordtally.instances: '${name}' is no name for a unit: use letters, digits, '-' and '_', and let `word` be what is counted.";
          }
          {
            assertion =
              instance.credentialFile == null
              || !lib.hasPrefix builtins.storeDir (toString instance.credentialFile);
            message = "services.wordtally.instances.${name}.credentialFile is in the store, which everyone can read: give the path of a file outside it, such as that of an agenix secret.";
          }
        ]) cfg.instances
      );

    system.checks = [ checked ];

    systemd.services = lib.mapAttrs' (
      name: instance: lib.nameValuePair (unit name) (service name instance)
    ) named;
    systemd.sockets = lib.mapAttrs' (
      name: instance: lib.nameValuePair (unit name) (socket name instance)
    ) named;

    # The root of every unit: nothing.
    systemd.tmpfiles.settings.wordtally."/run/empty-root".d.mode = "0555";

    networking.firewall.allowedTCPPorts = map (instance: port instance.listen) (
      lib.filter (instance: instance.openFirewall && !isUnix instance.listen) (
        lib.attrValues cfg.instances
      )
    );
  };
}
