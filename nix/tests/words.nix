# A word that is added to the list appears everywhere that a word appears, with no other change.
{
  pkgs,
  lib,
  hosts,
  ...
}:
let
  words = import ../../hosts/words.nix;
  added =
    name: environment: entry:
    (hosts.${name}.extendModules {
      specialArgs.words = lib.recursiveUpdate words { ${environment}.added = entry; };
    }).config;
  dev = added "dev" "dev" {
    word = "added";
    port = 8099;
  };
  mock-prod = added "mock-prod" "prod" { word = "added"; };
  prod = added "prod" "prod" { word = "added"; };

  both = config: [
    (config.systemd.services ? wordtally-added)
    (config.systemd.sockets ? wordtally-added)
  ];
  appears =
    lib.concatMap both [
      dev
      mock-prod
      prod
    ]
    ++ [
      (lib.elem 8099 dev.networking.firewall.allowedTCPPorts)
      (dev.wordtally.forwardedPorts."8099" == 8099)
      (lib.any (lib.hasInfix ":8099/") dev.wordtally.greeting)
      (dev.systemd.sockets.wordtally-added.socketConfig.ListenStream == "0.0.0.0:8099")
      (!hosts.dev.config.systemd.services ? wordtally-added)
    ];
in
assert lib.assertMsg (lib.all lib.id appears)
  "an added word is missing: ${builtins.toJSON appears}";
pkgs.writeText "words" "places: ${toString (lib.length appears)}\n"
