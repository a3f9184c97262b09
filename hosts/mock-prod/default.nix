# Mock production: production's own configuration on a virtual machine, with other data and the stand-in.
{ lib, ... }:
{
  imports = [ ../vm.nix ];

  networking.hostName = lib.mkForce "wordtally-mock-prod";

  services.wordtally.defaults = {
    bigqueryEndpoint = "http://127.0.0.1:9050";
    allowedAddresses = lib.mkForce [ "localhost" ];
  };
  services.bigquery-standin = {
    enable = true;
    iam = [ ./iam.json ];
  };

  age.secrets."bigquery.json".file = lib.mkForce ../../secrets/mock-prod/bigquery.json.age;

  wordtally = {
    sshPort = 2222;
    forwardedPorts = { };
    greeting = [ ];
  };
}
