# On somebody else's machine, nginx and Prometheus take the whole configuration, theirs and ours, and nginx answers for both.
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
pkgs.runCommand "third-party-checked"
  {
    nativeBuildInputs = [
      services.nginx.package
      services.prometheus.package.cli
      pkgs.openssl
      pkgs.python3
      pkgs.remarshal
      bigquery-standin
    ];
    # What each unit starts with.
    nginx = systemd.services.nginx.serviceConfig.ExecStart;
    prometheus = systemd.services.prometheus.serviceConfig.ExecStart;
  }
  ''
    file=$(grep -oP -- '--config.file=\K[^ ]+' <<<"$prometheus")
    promtool check config "$file"
    yaml2json "$file" prometheus.json
    python3 ${./third-party}/prometheus.py prometheus.json

    mkdir scratch
    python3 ${./third-party}/nginx.py "$(grep -oP -- "-c '\K[^']+" <<<"$nginx")" scratch | tee $out
  ''
