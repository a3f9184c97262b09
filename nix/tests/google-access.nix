# google/grant-access, by Google's own gcloud and bq, against a Google on the loopback.
{ pkgs, ... }:
pkgs.callPackage ../pytest.nix { } {
  name = "google-access";
  folders = [ "tests/google" ];
  files = [
    ../../docs/how-to
    ../../google
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
