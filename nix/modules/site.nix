# The site file: the words that the reverse proxy serves together, and where the index reaches their instances.
{ lib }:
let
  address = import ./address.nix { inherit lib; };
in
instances:
builtins.toJSON {
  index = "/";
  words = lib.mapAttrsToList (name: instance: {
    inherit (instance) word;
    url = "/${name}/";
    address = address instance.listen;
  }) instances;
}
