# Tests google/grant-access with Google's own gcloud and bq, against an emulation of Google's APIs on the loopback.
{ pkgs, ... }:
pkgs.callPackage ../../nix/pytest.nix { } {
  name = "google-access";
  tests = [ "google/tests" ];
  files = [
    ../../docs/how-to
    ../grant-access
  ];
  packages = set: [
    set.google-api-python-client
    set.jsonschema
  ];
  tools = [
    pkgs.google-cloud-sdk
    pkgs.jq
  ];
}
