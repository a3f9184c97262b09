# A word that is added to the list appears everywhere that a word appears, with no other change.
{
  pkgs,
  self,
  lib,
  hosts,
  ...
}:
let
  dev =
    (hosts.dev.extendModules {
      specialArgs.words = lib.recursiveUpdate (import ../words.nix) {
        dev.added = {
          word = "added";
          port = 8099;
        };
      };
    }).config;
  # Mock production, which is production, with 200 more words in the list.
  mock-prod = self.packages.${pkgs.stdenv.hostPlatform.system}.vm-test.crowd.config;

  both = config: name: [
    (config.systemd.services ? "wordtally-${name}")
    (config.systemd.sockets ? "wordtally-${name}")
  ];
  appears =
    both dev "added"
    ++ both mock-prod "word-200"
    ++ [
      (lib.elem 8099 dev.networking.firewall.allowedTCPPorts)
      (dev.wordtally.forwardedPorts."8099" == 8099)
      (lib.any (lib.hasInfix ":8099/") dev.wordtally.greeting)
      (dev.systemd.sockets.wordtally-added.socketConfig.ListenStream == "0.0.0.0:8099")
      (!hosts.dev.config.systemd.services ? wordtally-added)
      (lib.any (lib.hasInfix ":8443/word-200/") mock-prod.wordtally.greeting)
      (mock-prod.wordtally.deployment.pages.word-200 == "https://localhost:8443/word-200/")
      (mock-prod.services.nginx.virtualHosts.wordtally.locations ? "= /word-200/")
      (!hosts.mock-prod.config.systemd.services ? wordtally-word-200)
    ];
in
assert lib.assertMsg (lib.all lib.id appears)
  "an added word is missing: ${builtins.toJSON appears}";
pkgs.writeText "words" "places: ${toString (lib.length appears)}\n"
