# Google's Python client and its bq, unmodified, against the stand-in.
{ pkgs, self, ... }:
pkgs.callPackage ../../nix/pytest.nix { } {
  name = "client-python";
  tests = [ "standin/clients/python" ];
  files = [ ../../google/ci-credentials ];
  packages = set: [ set.google-cloud-bigquery ];
  tools = [
    pkgs.google-cloud-sdk
    pkgs.openssl
  ];
  env.WORDTALLY = "${
    self.packages.${pkgs.stdenv.hostPlatform.system}.bigquery-standin
  }/bin/wordtally";
}
