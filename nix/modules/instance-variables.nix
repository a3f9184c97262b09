# What an instance tells the service, as environment variables; what is `null` is left to the service's own default.
{ lib }:
let
  # A platform hands over the socket and the credential itself.
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
