# A word that is added to the list appears in every place in which words appear, without any other change.
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
      modules = [
        {
          wordtally.words.added = {
            word = "added";
            port = 8099;
            expectedCounts.standin.hamlet = 1;
          };
        }
      ];
    }).config;
  uncounted =
    (hosts.dev.extendModules {
      modules = [
        {
          wordtally.words.uncounted = {
            word = "uncounted";
            port = 8098;
          };
        }
      ];
    }).config;
  failed =
    config: map (failure: failure.message) (lib.filter (one: !one.assertion) config.assertions);
  # Mock production, which equals production, with 200 more words in the list.
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
      (dev.wordtally.deployment.expectedCounts.added.hamlet == 1)
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
# A word without expected counts is refused with a sentence that names the options.
assert lib.any (lib.hasPrefix "wordtally.deployment.expectedCounts.uncounted is not set") (
  failed uncounted
);
assert failed dev == [ ];
pkgs.writeText "words" "places: ${toString (lib.length appears)}\n"
