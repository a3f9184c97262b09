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
      # There is nothing else on this machine.
      defaultServer = true;
    };
    monitoring.enable = true;
  };

  services.nginx = {
    # A changed configuration starts new workers and lets the old ones finish.
    enableReload = true;
    serverTokens = false;
    recommendedTlsSettings = true;
    appendConfig = ''
      worker_processes auto;
      worker_rlimit_nofile 20000;
    '';
    # A request takes two: the visitor's and the instance's.
    eventsConfig = "worker_connections 8192;";
    # In the folder that nginx's unit has for this, wherever a build of nginx would put them.
    appendHttpConfig =
      lib.concatMapStringsSep "\n" (kind: "${kind}_temp_path /var/cache/nginx/${kind};")
        [
          "client_body"
          "proxy"
          "fastcgi"
          "uwsgi"
          "scgi"
        ];
  };

  services.prometheus = {
    listenAddress = "127.0.0.1";
    # The error budget is that of 30 days.
    retentionTime = "35d";
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
