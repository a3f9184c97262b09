# Each mistake in the configuration is refused with exactly one sentence, which names it.
{
  pkgs,
  lib,
  hosts,
  ...
}:
let
  module = "services.wordtally.instances";
  address = "give an IP address and a port from 1 to 65535, such as 127.0.0.1:8081 or [::1]:8081, or unix:/path";
  wrongListen = name: listen: {
    ${name} = {
      word = "a";
      inherit listen;
      openFirewall = true;
    };
  };
  mistakes = {
    "${module}: first and second both listen on 127.0.0.1:9: give each its own `listen`." = {
      first = {
        word = "a";
        listen = "127.0.0.1:9";
      };
      second = {
        word = "b";
        listen = "127.0.0.1:9";
      };
    };
    # The same address in two notations.
    "${module}: long and short both listen on [0:0:0:0:0:0:0:1]:9: give each its own `listen`." = {
      long = {
        word = "a";
        listen = "[0:0:0:0:0:0:0:1]:9";
      };
      short = {
        word = "b";
        listen = "[::1]:9";
      };
    };
    "${module}: everywhere listens on 0.0.0.0:10, which takes the port on every address, so here cannot listen on 127.0.0.1:10: give it another port." =
      {
        everywhere = {
          word = "a";
          listen = "0.0.0.0:10";
        };
        here = {
          word = "b";
          listen = "127.0.0.1:10";
        };
      };
    # The first also takes the port for IPv4. The mistake is reported only once.
    "${module}: both-families listens on [::]:11, which takes the port on every address, so one-family cannot listen on 0.0.0.0:11: give it another port." =
      {
        both-families = {
          word = "a";
          listen = "[::]:11";
        };
        one-family = {
          word = "b";
          listen = "0.0.0.0:11";
        };
      };
    "${module}.named.listen is 'localhost:8081': ${address}." = wrongListen "named" "localhost:8081";
    "${module}.no-port.listen is '127.0.0.1': ${address}." = wrongListen "no-port" "127.0.0.1";
    "${module}.far-port.listen is '127.0.0.1:65536': ${address}." =
      wrongListen "far-port" "127.0.0.1:65536";
    "${module}.no-v6.listen is '[::1::]:80': ${address}." = wrongListen "no-v6" "[::1::]:80";
    "${module}.relative.listen is 'unix:relative': give `unix:` and an absolute path of at most 107 bytes, such as unix:/run/wordtally/the.sock." =
      wrongListen "relative" "unix:relative";
    "${module}.taken.extraEnvironment sets WORD: set the option `word` instead." = {
      taken = {
        word = "a";
        extraEnvironment.WORD = "b";
      };
    };
    "${module}.odd.extraEnvironment has 'no-name', which is not a valid name for a variable: use letters, digits and '_'." =
      {
        odd = {
          word = "a";
          extraEnvironment.no-name = "b";
        };
      };
    "${module}.near.extraReadOnlyPaths has 'token': give an absolute path without spaces, quotes, colons, backslashes or percent signs, such as /run/workload-identity." =
      {
        near = {
          word = "a";
          extraReadOnlyPaths = [
            "/run/good"
            "-/run/missing"
            "token"
          ];
        };
      };
    "${module}.empty.word is empty: give the word to count, such as \"the\"." = {
      empty.word = "";
    };
    "${module}: 'no name' is not a valid name for a unit: use letters, digits, '-' and '_', and set `word` to the word to count." =
      {
        "no name".word = "a";
      };
    "${module}.in-store.credentialFile is in the store, which everyone can read: give the path of a file outside it, such as an agenix secret." =
      {
        in-store = {
          word = "a";
          credentialFile = "${builtins.storeDir}/bigquery.json";
        };
      };
    "${module}: the name 'index' is taken by the unit of the index of all words, wordtally-index: choose another." =
      {
        index.word = "a";
      };
    "${module}: the name 'healthz' is taken by the reverse proxy's own /healthz: choose another." = {
      healthz.word = "a";
    };
    # Nix copies a path literal to the store when it is used.
    "${module}.literal.credentialFile is in the store, which everyone can read: give the path of a file outside it, such as an agenix secret." =
      {
        literal = {
          word = "a";
          credentialFile = ../../secrets/dev/bigquery.json.age;
        };
      };
  };
  failed = host: map (a: a.message) (lib.filter (a: !a.assertion) host.config.assertions);
  inherit (hosts) dev;
  wrong = dev.extendModules {
    modules = [
      {
        wordtally.deployment.noExpectedCounts = lib.genAttrs (lib.concatMap lib.attrNames (
          lib.attrValues mistakes
        )) (_: "it is a mistake");
        services.wordtally = {
          instances = lib.mkMerge (lib.attrValues mistakes);
          reverseProxy = {
            enable = true;
            hostName = "words.example.test";
            openFirewall = false;
          };
        };
      }
    ];
  };

  expected = lib.sort lib.lessThan (
    lib.attrNames mistakes
    ++ [
      "services.wordtally.reverseProxy has no certificate: set certificateFile and certificateKeyFile, or enableACME, or useACMEHost."
    ]
  );
  found = lib.sort lib.lessThan (failed wrong);
in
assert lib.assertMsg (failed dev == [ ]) "dev as it is: ${toString (failed dev)}";
assert lib.assertMsg (
  found == expected
) "expected:\n${lib.concatLines expected}found:\n${lib.concatLines found}";
# The code that reads `listen` fails with no error of its own before these assertions.
assert
  wrong.config.networking.firewall.allowedTCPPorts == dev.config.networking.firewall.allowedTCPPorts;
assert lib.all lib.isString (lib.attrValues wrong.config.wordtally.deployment.listen);
pkgs.writeText "assertions" (lib.concatLines found)
