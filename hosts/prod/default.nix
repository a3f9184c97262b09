# Production: the words behind one front door, asking Google's BigQuery.
{
  config,
  lib,
  words,
  ...
}:
{
  imports = [
    ../common.nix
    ./hardware.nix
    ./placeholders.nix
  ];

  networking.hostName = "wordtally-prod";

  services.wordtally = {
    instances = words.prod;
    defaults = {
      credentialFile = config.age.secrets."bigquery.json".path;
      # BigQuery and Google's tokens by private.googleapis.com: the zone googleapis.com must lead there. The last is
      # the metadata server, which is also the resolver of a machine at Google.
      allowedAddresses = [
        "localhost"
        "199.36.153.8/30"
        "169.254.169.254"
      ];
    };
    frontdoor = {
      enable = true;
      hostName = "wordtally.example.com";
      certificateFile = ./certificate.pem;
      certificateKeyFile = config.age.secrets."tls.key".path;
    };
    monitoring.enable = true;
  };

  age.secrets = {
    "bigquery.json".file = ../../secrets/prod/bigquery.json.age;
    "tls.key" = {
      file = ../../secrets/prod/tls.key.age;
      owner = config.services.nginx.user;
    };
  };

  wordtally.deployers = (import ../../secrets/keys.nix).deployers.prod;
  wordtally.deployment = {
    inherit (config.wordtally) hostKey;
    figures = {
      the.hamlet = 995;
      love.hamlet = 67;
      romeo.romeoandjuliet = 117;
      tis.hamlet = 25;
    };
  };

  # Nobody does: an operator's SSH key is the way in.
  users.allowNoPasswordLogin = true;
}
