# Development: each word on a port of its own, readable logs, and a console that is logged in.
{
  config,
  lib,
  words,
  ...
}:
{
  imports = [
    ../common.nix
    ../vm.nix
  ];

  networking.hostName = "wordtally-dev";

  services.wordtally = {
    instances = lib.mapAttrs (_: { word, port }: {
      inherit word;
      listen = "0.0.0.0:${toString port}";
      openFirewall = true;
    }) words.dev;
    defaults = {
      credentialFile = config.age.secrets."bigquery.json".path;
      bigqueryEndpoint = "http://127.0.0.1:9050";
      allowedAddresses = [
        "localhost"
        "10.0.2.0/24"
      ];
      logFormat = "text";
    };
  };
  services.bigquery-standin = {
    enable = true;
    iam = [ ./iam.json ];
    admin = true;
  };

  age.secrets."bigquery.json".file = ../../secrets/dev/bigquery.json.age;

  services.getty.autologinUser = "root";

  wordtally = {
    deployers = (import ../../secrets/keys.nix).deployers.dev;
    deployment.figures = {
      the.hamlet = 994;
      love.hamlet = 67;
    };
    sshPort = 2221;
    forwardedPorts = lib.mapAttrs' (_: { port, ... }: lib.nameValuePair (toString port) port) words.dev;
    greeting = lib.mapAttrsToList (
      _: { word, port }: "${word}: curl http://127.0.0.1:${toString port}/"
    ) words.dev;
  };
}
