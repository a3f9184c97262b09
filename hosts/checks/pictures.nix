# The units in the picture of a host are those of production, and none of our units is missing.
# tests/documentation/pictures.rs compares the other pictures.
{
  pkgs,
  lib,
  hosts,
  ...
}:
let
  inherit (hosts.prod) config;
  page = builtins.readFile ../../docs/how-to/run-it-on-nixos.md;
  picture = lib.head (lib.splitString "\n```" (lib.elemAt (lib.splitString "\n```mermaid\n" page) 1));
  all = lib.attrNames config.systemd.units;

  isUnit =
    name:
    lib.any (suffix: lib.hasSuffix suffix name) [
      ".service"
      ".socket"
    ];
  # The labels in the brackets of each line, without quotes.
  labels = lib.concatMap (lib.filter lib.isString) (
    map (part: builtins.split "[]\"|()[]+" part) (lib.splitString "\n" picture)
  );
  drawn = lib.unique (lib.filter isUnit labels);
  # A deployment creates this unit itself: deploy/src/host/places.rs.
  transient = [ "deploy-wordtally.service" ];

  # One word represents all words. Units that only belong to another program are left out.
  ours = lib.filter (
    name:
    isUnit name
    && lib.any (prefix: lib.hasPrefix prefix name) [
      "wordtally-love"
      "wordtally-index"
      "deploy-host"
      "nginx."
      "prometheus"
    ]
  ) all;

  unknown = lib.subtractLists (all ++ transient) drawn;
  missing = lib.subtractLists drawn ours;
  # The picture's arrow from a socket to its service.
  required = name: config.systemd.services.${name}.requires == [ "${name}.socket" ];
in
assert lib.assertMsg (lib.length ours == 10) "our units: ${toString ours}";
assert lib.assertMsg (unknown == [ ]) "drawn, but not a unit: ${toString unknown}";
assert lib.assertMsg (missing == [ ]) "a unit, but not drawn: ${toString missing}";
assert lib.elem config.services.wordtally.instances.love.credentialFile labels;
assert lib.all required [
  "wordtally-love"
  "wordtally-index"
];
pkgs.writeText "pictures" "units drawn: ${toString drawn}\n"
