# The index of all words: one unit that asks every instance for its total, behind the reverse proxy.
{
  config,
  lib,
  ...
}:
let
  wordtally = config.services.wordtally;
  inherit (wordtally) instances;
  name = "wordtally-index";
  program = lib.getExe wordtally.package;

  parse = import ./listen.nix { inherit lib; };
  address = import ./address.nix { inherit lib; };
  overridable = import ./overridable.nix { inherit lib; };

  # Where the instances listen: folders of sockets, and addresses of this machine.
  addresses = map (instance: address instance.listen) (lib.attrValues instances);
  paths = lib.filter (lib.hasPrefix "unix:") addresses;
  folders = lib.unique (map (path: dirOf (lib.removePrefix "unix:" path)) paths);
  # An address that is no address has an assertion of its own.
  ips = lib.unique (
    map (tcp: lib.removeSuffix "]" (lib.removePrefix "[" (lib.head (lib.match "(.*):[0-9]+" tcp)))) (
      lib.filter (listen: (parse listen) ? port) addresses
    )
  );
in
{
  config = lib.mkIf (wordtally.enable && wordtally.reverseProxy.enable) {
    # Its path stays when it changes, so that no unit is restarted for a word that is added: they read it anew.
    environment.etc."wordtally/site.json".text = import ./site.nix { inherit lib; } instances;

    systemd.sockets = {
      ${name} = {
        description = "wordtally's socket for the index of all words";
        wantedBy = [ "sockets.target" ];
        socketConfig = {
          ListenStream = "/run/wordtally/index.sock";
        }
        // overridable {
          SocketMode = "0660";
          SocketGroup = wordtally.socketGroup;
        };
      };
    }
    # The index never sees a folder of sockets that is made after its start. `After` in its own unit would change that unit,
    # and so restart it, with each word that is added.
    // lib.mapAttrs' (
      instance: _: lib.nameValuePair "wordtally-${instance}" { before = [ "${name}.service" ]; }
    ) instances;

    systemd.services.${name} = {
      description = "wordtally: the index of all words";
      documentation = [ "https://gitlab.com/wordtally/wordtally/-/tree/main/docs" ];
      wantedBy = [ "multi-user.target" ];
      requires = [ "${name}.socket" ];
      after = [
        "${name}.socket"
        "network.target"
      ];
      stopIfChanged = false;
      startLimitIntervalSec = 0;
      environment = {
        SITE = "/etc/wordtally/site.json";
      }
      // lib.filterAttrs (_: value: value != null) {
        LOG_FORMAT = wordtally.defaults.logFormat;
        LOG_LEVEL = wordtally.defaults.logLevel;
      };
      enableDefaultPath = false;
      serviceConfig = overridable (
        {
          Type = "notify";
          ExecStart = "${program} index";
          # Eight answers of the largest kind at once.
          MemoryMax = "128M";
          MemorySwapMax = 0;
          TasksMax = 16;
          LimitNOFILE = 1024;
          # As the reverse proxy: who may connect to the instances' sockets.
          SupplementaryGroups = [ wordtally.socketGroup ];
        }
        // import ./lifetime.nix
        // import ./hardening.nix {
          inherit (builtins) storeDir;
          inherit program;
          # Whole: the site file is a link into the store, and another one after a switch.
          paths = [ "/etc" ] ++ map (folder: "-${folder}") folders;
        }
        // (
          if ips == [ ] then
            {
              PrivateNetwork = true;
              RestrictAddressFamilies = [ "AF_UNIX" ];
            }
          else
            {
              IPAddressDeny = "any";
              IPAddressAllow = ips;
            }
        )
      );
    };
  };
}
