# Mock production: production's own configuration on a virtual machine, with other data and the stand-in.
{ lib, words, ... }:
let
  keys = import ../../secrets/keys.nix;
in
{
  imports = [ ../vm.nix ];

  networking.hostName = lib.mkForce "wordtally-mock-prod";

  services.wordtally = {
    defaults = {
      bigqueryEndpoint = "http://127.0.0.1:9050";
      allowedAddresses = lib.mkForce [ "localhost" ];
    };
    monitoring.certificateAuthority = ./certificate.pem;
    frontdoor = {
      hostName = lib.mkForce "localhost";
      certificateFile = lib.mkForce ./certificate.pem;
      # Every visitor of a virtual machine has one address: that of the forwarded port.
      limits = {
        connectionsPerAddress = 1000;
        requestsPerSecond = 100000;
        burst = 1000;
      };
    };
  };
  services.bigquery-standin = {
    enable = true;
    iam = [ ./iam.json ];
  };

  age.secrets = {
    "bigquery.json".file = lib.mkForce ../../secrets/mock-prod/bigquery.json.age;
    "tls.key".file = lib.mkForce ../../secrets/mock-prod/tls.key.age;
  };

  wordtally = {
    hostKey = keys.hosts.mock-prod;
    deployers = lib.mkForce keys.deployers.mock-prod;
    certificate = ./certificate.pem;
    deployment = {
      pages = lib.mapAttrs (name: _: "https://localhost:8443/${name}/") words.prod;
      certificateAuthority = ./certificate.pem;
      # The stand-in counts other editions.
      figures = lib.mkForce {
        the.hamlet = 994;
        love.hamlet = 67;
        romeo.romeoandjuliet = 293;
        tis.hamlet = 25;
      };
    };
    sshPort = 2222;
    forwardedPorts."8443" = 443;
    greeting = lib.mapAttrsToList (
      name: { word, ... }: "${word}: curl --cacert ${./certificate.pem} https://localhost:8443/${name}/"
    ) words.prod;
  };
}
