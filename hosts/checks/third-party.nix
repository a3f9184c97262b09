# On a third-party host, nginx and Prometheus accept the whole configuration, the owner's and ours, and nginx serves both.
{
  pkgs,
  self,
  lib,
  ...
}:
let
  inherit (pkgs.stdenv.hostPlatform) system;
  inherit (self.packages.${system}) bigquery-standin third-party-test;
  inherit (third-party-test.host) config;
  inherit (config) services systemd;
  refused = map (a: a.message) (lib.filter (a: !a.assertion) config.assertions);
in
assert lib.assertMsg (refused == [ ]) (toString refused);
pkgs.callPackage ../../nix/pytest.nix { } {
  name = "third-party-checked";
  tests = [ "hosts/tests/configuration" ];
  tools = [
    services.nginx.package
    services.prometheus.package.cli
    pkgs.curl
    pkgs.openssl
    pkgs.remarshal
    bigquery-standin
  ];
  env = {
    # The command that starts each unit.
    nginx = systemd.services.nginx.serviceConfig.ExecStart;
    prometheus = systemd.services.prometheus.serviceConfig.ExecStart;
  };
  setup = ''
    file=$(grep -oP -- '--config.file=\K[^ ]+' <<<"$prometheus")
    promtool check config "$file"
    export PROMETHEUS=$HOME/prometheus.json NGINX
    yaml2json "$file" "$PROMETHEUS"
    NGINX=$(grep -oP -- "-c '\K[^']+" <<<"$nginx")
  '';
}
