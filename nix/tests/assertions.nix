# A mistake in the configuration is refused with exactly one sentence, which names it.
{
  pkgs,
  lib,
  hosts,
  ...
}:
let
  module = "services.wordtally.instances";
  mistakes = {
    "${module}: first and second both listen on 127.0.0.1:9: give each a `listen` of its own." = {
      first = {
        word = "a";
        listen = "127.0.0.1:9";
      };
      second = {
        word = "b";
        listen = "127.0.0.1:9";
      };
    };
    "${module}.empty.word is empty: give the word to count, such as \"the\"." = {
      empty.word = "";
    };
    "${module}: 'no name' is no name for a unit: use letters, digits, '-' and '_', and let `word` be what is counted." =
      {
        "no name".word = "a";
      };
    "${module}.in-store.credentialFile is in the store, which everyone can read: give the path of a file outside it, such as that of an agenix secret." =
      {
        in-store = {
          word = "a";
          credentialFile = "${builtins.storeDir}/bigquery.json";
        };
      };
    # A path literal is copied to the store where it is used.
    "${module}.literal.credentialFile is in the store, which everyone can read: give the path of a file outside it, such as that of an agenix secret." =
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
    modules = [ { services.wordtally.instances = lib.mkMerge (lib.attrValues mistakes); } ];
  };

  expected = lib.sort lib.lessThan (lib.attrNames mistakes);
  found = lib.sort lib.lessThan (failed wrong);
in
assert lib.assertMsg (failed dev == [ ]) "dev as it is: ${toString (failed dev)}";
assert lib.assertMsg (
  found == expected
) "expected:\n${lib.concatLines expected}found:\n${lib.concatLines found}";
pkgs.writeText "assertions" (lib.concatLines found)
