# 200 words on one host evaluate, each to its own service and socket.
{
  pkgs,
  lib,
  hosts,
  ...
}:
let
  many = lib.genAttrs (map (n: "w${toString n}") (lib.range 1 200)) (name: {
    word = name;
  });
  inherit
    ((hosts.dev.extendModules {
      modules = [ { services.wordtally.instances = many; } ];
    }).config.systemd
    )
    units
    ;
  made = lib.filter (
    name: units ? "wordtally-${name}.service" && units ? "wordtally-${name}.socket"
  ) (lib.attrNames many);
  sockets = lib.unique (map (name: units."wordtally-${name}.socket".text) made);
in
assert lib.assertMsg (
  lib.length made == 200
) "${toString (lib.length made)} of 200 words have units";
assert lib.assertMsg (lib.length sockets == 200) "two sockets are the same";
pkgs.writeText "200-words" "words: 200\n"
