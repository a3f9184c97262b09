# Production's shape: the words behind one reverse proxy, watched.
{ config, lib, ... }:
let
  inherit (config.wordtally) environment words;
in
{
  services.wordtally = {
    instances = lib.mapAttrs (_: entry: { inherit (entry) word; }) words;
    reverseProxy = {
      enable = true;
      certificateFile = ./. + "/${environment}/certificate.pem";
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
    # A request takes two: the client's and the instance's.
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

  age.secrets."tls.key" = {
    file = ../secrets + "/${environment}/tls.key.age";
    owner = config.services.nginx.user;
  };

  networking.useNetworkd = true;
  systemd.network.networks."10-uplink" = {
    matchConfig.Type = "ether";
    networkConfig.DHCP = "yes";
  };

  # Nobody does: an operator's SSH key is the way in.
  users.allowNoPasswordLogin = true;
}
