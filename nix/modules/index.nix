# The index of all words: one unit behind the reverse proxy that gets the total from every instance.
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

  # Where the instances listen: folders of sockets, and addresses of this host.
  addresses = map (instance: address instance.listen) (lib.attrValues instances);
  paths = lib.filter (lib.hasPrefix "unix:") addresses;
  folders = lib.unique (map (path: dirOf (lib.removePrefix "unix:" path)) paths);
  # Another assertion refuses an invalid address.
  ips = lib.unique (
    map (tcp: lib.removeSuffix "]" (lib.removePrefix "[" (lib.head (lib.match "(.*):[0-9]+" tcp)))) (
      lib.filter (listen: (parse listen) ? port) addresses
    )
  );
in
{
  config = lib.mkIf (wordtally.enable && wordtally.reverseProxy.enable) {
    # Its path does not change with its content, so an added word restarts no unit: the units read the file again.
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
    # The index would never see a folder of sockets that is created after its start. `After` in its own unit would change the
    # unit with each added word, and so restart it.
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
          # Enough for eight responses of the largest size at once.
          MemoryMax = "128M";
          MemorySwapMax = 0;
          TasksMax = 16;
          LimitNOFILE = 1024;
          # The group that may connect to the instances' sockets, like the reverse proxy.
          SupplementaryGroups = [ wordtally.socketGroup ];
        }
        // import ./lifetime.nix
        // import ./hardening.nix {
          inherit (builtins) storeDir;
          inherit program;
          # The whole folder, because the site file is a link into the store, which a switch replaces.
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
