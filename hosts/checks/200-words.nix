# A host with 200 words evaluates, each word with its own service and socket. The unit of the index does not change.
{
  pkgs,
  self,
  lib,
  hosts,
  ...
}:
let
  inherit (self.packages.${pkgs.stdenv.hostPlatform.system}.vm-test) crowd;
  inherit (crowd.config.systemd) units;
  added = map (n: "word-${toString n}") (lib.range 1 200);
  made = lib.filter (
    name: units ? "wordtally-${name}.service" && units ? "wordtally-${name}.socket"
  ) added;
  sockets = lib.unique (map (name: units."wordtally-${name}.socket".text) made);
in
assert lib.assertMsg (
  lib.length made == 200
) "${toString (lib.length made)} of 200 words have units";
assert lib.assertMsg (lib.length sockets == 200) "two sockets are the same";
assert
  units."wordtally-index.service".text
  == hosts.mock-prod.config.systemd.units."wordtally-index.service".text;
pkgs.writeText "200-words" "words: 200\n"
