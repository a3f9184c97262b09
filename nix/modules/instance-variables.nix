# An instance's options as environment variables of the service. An option that is `null` is left to the service's default.
{ lib }:
let
  # A platform passes the socket and the credential itself.
  variables = removeAttrs (import ./variables.nix) [
    "LISTEN"
    "CREDENTIALS"
  ];
in
instance:
lib.mapAttrs (_: toString) (
  lib.filterAttrs (_: value: value != null) (lib.mapAttrs (_: option: instance.${option}) variables)
)
// instance.extraEnvironment
