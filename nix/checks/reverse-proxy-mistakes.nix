# On a third-party host, each configuration of the reverse proxy or of monitoring that could not work is refused with one
# sentence.
{
  pkgs,
  self,
  lib,
  ...
}:
let
  inherit (pkgs.stdenv.hostPlatform) system;
  inherit (self.packages.${system}.third-party-test) host;
  # ./assertions.nix tests a host without any certificate.
  wrong =
    (host.extendModules {
      modules = [
        {
          services.wordtally.reverseProxy = {
            certificateFile = "/var/lib/certificate.pem";
            enableACME = lib.mkForce false;
            useACMEHost = "www.example.test";
          };
          services.nginx.httpConfig = "server { }";
          services.prometheus.configText = "{}";
          services.prometheus.retentionTime = lib.mkForce null;
          # No test starts this, because nixpkgs would have to recompile nginx for it.
          services.nginx.recommendedBrotliSettings = true;
        }
      ];
    }).config;
  sentences = lib.sort lib.lessThan (
    map (a: a.message) (lib.filter (a: !a.assertion) wrong.assertions)
  );

  expected = [
    "services.nginx.config and httpConfig replace all virtual hosts, including the reverse proxy's: use appendConfig and appendHttpConfig."
    "services.prometheus.configText replaces all jobs and rules, including those of services.wordtally.monitoring: use the options of services.prometheus."
    "services.wordtally.reverseProxy has only one of certificateFile and certificateKeyFile: set both."
    "services.wordtally.reverseProxy takes its certificate from certificateFile and useACMEHost: keep one of them."
  ];
  retention = "services.prometheus.retentionTime is not set, so Prometheus keeps 15 days: wordtally's error budget covers 30 days, so set 35d or more.";

  # The certificate of `useACMEHost` is used, and no other is ordered.
  orders = lib.attrNames wrong.security.acme.certs;

  hosts = wrong.services.nginx.virtualHosts;
  compressed = lib.filter (name: !lib.hasInfix "brotli off;" hosts.${name}.extraConfig) [
    "wordtally"
    "wordtally-plain"
    "wordtally-internal"
  ];
  show = lines: lib.concatLines ([ "" ] ++ lines);
in
assert lib.assertMsg (sentences == expected) "wrong:${show sentences}";
assert lib.assertMsg (lib.elem retention wrong.warnings) "no warning of 15 days";
assert lib.assertMsg (host.config.warnings == [ ]) "warnings:${show host.config.warnings}";
assert lib.assertMsg (orders == [ "www.example.test" ]) "orders:${show orders}";
assert lib.assertMsg (compressed == [ ]) "compressed by brotli: ${toString compressed}";
pkgs.writeText "reverse-proxy-mistakes" (lib.concatLines sentences)
