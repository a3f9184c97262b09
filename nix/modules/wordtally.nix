# One unit and one socket per word. `packagesFor` gives what this flake builds for a package set's platform.
{ packagesFor }:
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

  # `listen` as systemd writes it: `unix:/path` is a path there, an address stays what it is; `%` begins a specifier.
  stream = listen: lib.replaceStrings [ "%" ] [ "%%" ] (lib.removePrefix "unix:" listen);

  variablesOf = import ./instance-variables.nix { inherit lib; };
  overridable = import ./overridable.nix { inherit lib; };
  parse = import ./listen.nix { inherit lib; };
  assertions = import ./assertions.nix { inherit lib; };

  # So that a unit is restarted when its own secret changes.
  encryptedFiles = import ./encrypted-files.nix { inherit lib config; };

  socket = name: instance: {
    description = "wordtally's socket for ${name}";
    wantedBy = [ "sockets.target" ];
    socketConfig = {
      ListenStream = stream instance.listen;
    }
    // overridable {
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
    environment = lib.mapAttrs (_: lib.replaceStrings [ "%" ] [ "%%" ]) (
      # At the reverse proxy, a word leads to the others.
      lib.optionalAttrs cfg.reverseProxy.enable { SITE = "/etc/wordtally/site.json"; }
      // variablesOf instance
    );
    # It runs one static program and calls no other.
    enableDefaultPath = false;
    serviceConfig = overridable (
      {
        # `systemctl reload` takes the credential anew and sends SIGHUP, at which the service reads it.
        Type = "notify-reload";
        RefreshOnReload = "credentials";
        ExecStart = "${lib.getExe cfg.package} serve";
        MemoryMax = instance.memoryMax;
        MemorySwapMax = 0;
        TasksMax = instance.tasksMax;
        # Connections, and some files.
        LimitNOFILE = 8192;
      }
      // import ./lifetime.nix
      // lib.optionalAttrs (instance.credentialFile != null) {
        LoadCredential = [ "bigquery.json:${toString instance.credentialFile}" ];
      }
      // lib.optionalAttrs (instance.allowedAddresses != null) {
        IPAddressDeny = "any";
        IPAddressAllow = instance.allowedAddresses;
      }
      // import ./hardening.nix {
        inherit (builtins) storeDir;
        program = lib.getExe cfg.package;
        paths = [
          # Names and CA certificates. Whole: a file in it that is replaced would stay what it was.
          "/etc"
          "-/run/systemd/resolve"
        ]
        ++ instance.extraReadOnlyPaths;
      }
    );
  };

  checked = import ./check-values.nix {
    inherit lib;
    inherit (pkgs) runCommand;
    package = import ./runnable.nix { inherit packagesFor; } {
      inherit pkgs;
      inherit (cfg) package;
    };
    where = "services.wordtally.instances";
  } (lib.mapAttrs (_: instance: variablesOf instance // { LISTEN = instance.listen; }) cfg.instances);

  isUnitName = name: builtins.match "[a-zA-Z0-9][a-zA-Z0-9_-]*" name != null;
  # Another name gets an assertion's sentence, which systemd's own types would come before.
  named = lib.filterAttrs (name: _: isUnitName name) cfg.instances;
in
{
  imports = [
    (lib.modules.importApply ./reverse-proxy.nix { inherit packagesFor; })
    ./index.nix
    ../../monitoring/module.nix
    (lib.mkRenamedOptionModule
      [ "services" "wordtally" "defaults" "stale" ]
      [ "services" "wordtally" "defaults" "maxStale" ]
    )
  ];

  options.services.wordtally = {
    enable = lib.mkEnableOption "wordtally: one page per word, with its count in each corpus";
    package = lib.mkPackageOption (packagesFor pkgs) "wordtally" {
      pkgsText = "wordtally.packages.\${system}";
      extraDescription = "It must be a static binary, because the unit may execute nothing else.";
    };
    socketGroup = mkOption {
      type = types.str;
      default = "root";
      description = "Group that may connect to the instances' Unix sockets. The reverse proxy sets it to its own.";
    };
    defaults = import ./instance-options.nix {
      inherit lib;
      defaults = null;
    };
    instances = mkOption {
      default = { };
      description = "Words to count, each in its own unit, `wordtally-<name>`.";
      example = lib.literalExpression ''{ love.word = "love"; romeo.word = "Romeo"; }'';
      type = types.attrsOf (
        types.submodule (
          { name, ... }:
          {
            # Its former name. A submodule has nowhere to put a warning.
            imports = [
              (lib.doRename {
                from = [ "stale" ];
                to = [ "maxStale" ];
                visible = false;
                warn = false;
                use = lib.id;
              })
            ];
            options =
              import ./instance-options.nix {
                inherit lib;
                inherit (cfg) defaults;
              }
              // {
                word = mkOption {
                  type = types.str;
                  description = "Word to count, matched exactly: it may contain spaces, quotes and any other character.";
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
    assertions = assertions { inherit isUnitName; } cfg.instances;

    system.checks = [ checked ];

    systemd.services = lib.mapAttrs' (
      name: instance: lib.nameValuePair (unit name) (service name instance)
    ) named;
    systemd.sockets = lib.mapAttrs' (
      name: instance: lib.nameValuePair (unit name) (socket name instance)
    ) named;

    # The root of every unit: nothing.
    systemd.tmpfiles.settings.wordtally."/run/empty-root".d.mode = "0555";

    networking.firewall.allowedTCPPorts = lib.catAttrs "port" (
      map (instance: parse instance.listen) (
        lib.filter (instance: instance.openFirewall) (lib.attrValues cfg.instances)
      )
    );
  };
}
