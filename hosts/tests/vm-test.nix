# Boots mock production and tests it from outside: `nix run .#vm-test`, or with the names of behaviours.
{
  lib,
  callPackage,
  openssh,
  zstd,
  cosign,
  gitMinimal,
  linkFarm,
  deploy,
  image,
  image-test,
  release,
  host,
}:
let
  # A release that differs only in its version, to switch to under load.
  next = host.config.services.wordtally.package.overrideAttrs (old: {
    postPatch = (old.postPatch or "") + ''
      sed -i 's/^version = "${old.version}"/version = "${old.version}-next"/' Cargo.toml
      sed -i -E '/^name = "(wordtally|wordtally-(deploy|fuzz|manual)|bigquery-standin|plain-hyper)"$/{n;s/"$/-next"/}' Cargo.lock
    '';
  });
  # The systems that are deployed or switched to: a correct release, and one for each kind of fault.
  variants = {
    # The host's part of a deployment differs too: it is replaced while it runs.
    good = {
      services.wordtally.package = next;
      wordtally.deployment.package = lib.mkForce (
        host.config.wordtally.deployment.package.overrideAttrs { version = "next"; }
      );
    };
    # No word changes.
    reverse-proxy-only.services.nginx.virtualHosts.wordtally.locations."= /fixed".return = "204";
    # A new key, in the secret and in the stand-in's IAM file. If the stand-in knows only the old key, the release fails.
    rotated = {
      services.bigquery-standin.iam = lib.mkForce [ ./vm/rotated-iam.json ];
      age.secrets."bigquery.json".file = lib.mkOverride 40 ../../secrets/vm-test/rotated.json.age;
    };
    # Its key is encrypted for an identity that this host does not have.
    unopened.age.secrets."bigquery.json".file = lib.mkOverride 40 ../../secrets/dev/bigquery.json.age;
    # It starts and gets ready, but counts a different word.
    wrong.services.wordtally.instances.love.word = lib.mkForce "hate";
    unready.services.wordtally.instances.romeo.table = "bigquery-public-data.samples.nothing";
    # Each word is correct, but the path of one leads to another.
    reverse-proxy.services.nginx.virtualHosts.wordtally.locations."= /tis/".proxyPass =
      lib.mkForce "http://wordtally-the/";
    # Each word and the reverse proxy are correct, but another unit fails.
    failing.systemd.services.failing = {
      wantedBy = [ "multi-user.target" ];
      serviceConfig.Type = "oneshot";
      script = "exit 1";
    };
    # No packet comes in, not even on open connections.
    network.networking.nftables.tables.nothing = {
      family = "inet";
      content = "chain input { type filter hook input priority -300; iifname != lo drop; }";
    };
  };
  releases = linkFarm "releases" (
    lib.mapAttrs
      (
        _: mock-prod:
        release.override {
          hosts = { inherit mock-prod; };
          wordtally = mock-prod.config.services.wordtally.package;
          # These have no commit: the test gives them the commit that it makes.
          image = image // {
            revision = "unknown";
          };
        }
      )
      (
        {
          booted = host;
        }
        // lib.mapAttrs (_: variant: host.extendModules { modules = [ variant ]; }) variants
      )
  );

  # As many words as one host is expected to serve, from the one list of words.
  crowd = host.extendModules {
    modules = [
      {
        wordtally.words = lib.listToAttrs (
          map (
            number:
            lib.nameValuePair "word-${toString number}" {
              word = "word ${toString number}";
              noExpectedCounts = "no text has it";
            }
          ) (lib.range 1 200)
        );
        # ../checks/deployers.nix checks what this key opens.
        wordtally.deployers.someone = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEcyjFgDin+ryDw+EdOaaUz10wUzSrgLS30KE9XhbgoQ someone";
      }
      (
        { config, ... }:
        {
          virtualisation.memorySize = lib.mkForce 4096;
          # On an emulated processor, one start takes two seconds of CPU time, and all of them start at once.
          systemd.services = lib.mapAttrs' (
            name: _: lib.nameValuePair "wordtally-${name}" { serviceConfig.TimeoutStartSec = "15min"; }
          ) config.services.wordtally.instances;
        }
      )
    ];
  };

  launcher = host: lib.getExe (callPackage ../launcher.nix { inherit host; });
  facts = builtins.toFile "facts.json" (
    builtins.toJSON {
      words = lib.mapAttrs (_: instance: instance.word) host.config.services.wordtally.instances;
      inherit (host.config.wordtally) sshPort;
      maxExposure = import ../../nix/max-exposure.nix;
    }
  );
in
callPackage ./behaviours.nix { } {
  name = "vm-test";
  # The order matters: the state that all tests leave behind is tested after them, and then the other machine.
  tests = map (name: "${./vm}/test_${name}.py") [
    "serving"
    "container"
    "changes"
    "deployments"
    "trust"
    "outages"
    "interruptions"
    "state"
    "crowd"
  ];
  quick = [
    "every_word_answers_with_the_tables_counts"
    "what_is_internal_is_not_at_the_reverse_proxy"
    "a_good_release_is_deployed_without_a_lost_request"
    "a_release_that_answers_wrongly_meets_no_client"
    "a_release_with_a_wrong_reverse_proxy_is_rolled_back"
    "the_host_refuses_each_untrusted_release_by_its_own_sentence"
    "a_stolen_deployment_key_gives_requests_and_nothing_else"
    "a_revoked_key_is_repaired_by_a_release"
    "nothing_failed"
  ];
  runtimeInputs = [
    openssh
    zstd
    cosign
    gitMinimal
    deploy
  ];
  runtimeEnv = {
    VM_TEST_MACHINE = launcher host;
    VM_TEST_CROWD = launcher crowd;
    VM_TEST_FACTS = facts;
    VM_TEST_CONTAINER = lib.getExe image-test;
    VM_TEST_RELEASES = releases;
    VM_TEST_LOCK = ../../flake.lock;
    VM_TEST_CERTIFICATE = ../mock-prod/certificate.pem;
    VM_TEST_TABLE = ../../standin/data/shakespeare.tsv.zst;
  };
  # Other checks use it too, so it is evaluated once.
  passthru = { inherit crowd; };
  meta.description = "Boots mock production and tests it from outside";
}
