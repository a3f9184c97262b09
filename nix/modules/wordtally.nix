# One unit and one socket per word. `packagesFor` gives this flake's packages for a package set's platform.
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

  # `listen` in systemd's notation: `unix:/path` becomes a path, an address stays as it is; `%` is escaped, because it begins a
  # specifier.
  stream = listen: lib.replaceStrings [ "%" ] [ "%%" ] (lib.removePrefix "unix:" listen);

  variablesOf = import ./instance-variables.nix { inherit lib; };
  overridable = import ./overridable.nix { inherit lib; };
  parse = import ./listen.nix { inherit lib; };
  assertions = import ./assertions.nix { inherit lib; };

  # A unit is restarted when its own secret changes.
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
    # systemd restarts the unit in one step during a switch; the socket holds the requests that arrive meanwhile.
    stopIfChanged = false;
    restartTriggers = encryptedFiles instance.credentialFile;
    startLimitIntervalSec = 0;
    # `%` begins a systemd specifier.
    environment = lib.mapAttrs (_: lib.replaceStrings [ "%" ] [ "%%" ]) (
      # Behind the reverse proxy, each word's page links to the others.
      lib.optionalAttrs cfg.reverseProxy.enable { SITE = "/etc/wordtally/site.json"; }
      // variablesOf instance
    );
    # The unit runs one static program, which calls no other.
    enableDefaultPath = false;
    serviceConfig = overridable (
      {
        # `systemctl reload` copies the credential again and sends SIGHUP, upon which the service reads it.
        Type = "notify-reload";
        RefreshOnReload = "credentials";
        ExecStart = "${lib.getExe cfg.package} serve";
        MemoryMax = instance.memoryMax;
        MemorySwapMax = 0;
        TasksMax = instance.tasksMax;
        # For connections and some files.
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
          # For names and CA certificates. The whole folder, because the unit would keep the old version of a replaced file.
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
  # Any other name fails an assertion; without this filter, systemd's option types would fail first.
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
      description = "Group that may connect to the instances' Unix sockets. The reverse proxy sets it to nginx's group.";
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
            # The option's former name. A submodule cannot give warnings.
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

    # The empty root folder of every unit.
    systemd.tmpfiles.settings.wordtally."/run/empty-root".d.mode = "0555";

    networking.firewall.allowedTCPPorts = lib.catAttrs "port" (
      map (instance: parse instance.listen) (
        lib.filter (instance: instance.openFirewall) (lib.attrValues cfg.instances)
      )
    );
  };
}
