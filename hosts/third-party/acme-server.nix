# An ACME authority on the machine's loopback: pebble, which validates each name on port 80 as Let's Encrypt does. It has a
# new root certificate after each start.
{ lib, pkgs, ... }:
let
  directory = "/run/pebble";
  configuration = pkgs.writeText "pebble.json" (
    builtins.toJSON {
      pebble = {
        listenAddress = "127.0.0.1:14000";
        managementListenAddress = "127.0.0.1:15000";
        certificate = "${directory}/localhost/cert.pem";
        privateKey = "${directory}/localhost/key.pem";
        httpPort = 80;
        tlsPort = 443;
        ocspResponderURL = "";
        externalAccountBindingRequired = false;
      };
    }
  );
in
{
  security.acme.defaults = {
    server = "https://localhost:14000/dir";
    environmentFile = pkgs.writeText "lego.env" "LEGO_CA_CERTIFICATES=${directory}/ca.pem\n";
  };
  services.wordtally.monitoring.certificateAuthority = "${directory}/root.pem";

  systemd.services.pebble = {
    description = "ACME authority for tests";
    # An order that is placed before pebble runs is retried only after 15 minutes.
    wantedBy = [ "network-online.target" ];
    before = [ "network-online.target" ];
    after = [ "network.target" ];
    path = [
      pkgs.curl
      pkgs.minica
    ];
    environment = {
      PEBBLE_VA_NOSLEEP = "1";
      PEBBLE_WFE_NONCEREJECT = "0";
    };
    # The client that orders must trust the certificate of the authority's own address, which is not public.
    preStart = ''
      cd ${directory}
      minica --ca-cert ca.pem --ca-key ca-key.pem --domains localhost
      chmod 644 ca.pem
    '';
    postStart = ''
      curl --silent --show-error --fail --retry 60 --retry-delay 1 --retry-connrefused \
        --cacert ${directory}/ca.pem --output ${directory}/root.pem https://localhost:15000/roots/0
    '';
    serviceConfig = {
      ExecStart = "${lib.getExe pkgs.pebble} -config ${configuration}";
      DynamicUser = true;
      RuntimeDirectory = "pebble";
      TimeoutStartSec = "5min";
    };
  };
}
