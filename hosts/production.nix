# The shape of production: the words behind one reverse proxy, with monitoring.
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
      # This host serves nothing else.
      defaultServer = true;
    };
    monitoring.enable = true;
  };

  services.nginx = {
    # With a changed configuration, nginx starts new workers and lets the old ones finish.
    enableReload = true;
    serverTokens = false;
    recommendedTlsSettings = true;
    appendConfig = ''
      worker_processes auto;
      worker_rlimit_nofile 20000;
    '';
    # A request uses two connections: the client's and the instance's.
    eventsConfig = "worker_connections 8192;";
    # In the folder that nginx's unit has for them, because builds of nginx have different defaults.
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
    # The error budget covers 30 days.
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

  # Nobody logs in with a password; operators log in with their SSH keys.
  users.allowNoPasswordLogin = true;
}
