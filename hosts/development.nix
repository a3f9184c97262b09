# The shape of development: each word on its own port, readable logs and a console that is logged in.
{ config, lib, ... }:
{
  services.wordtally = {
    instances = lib.mapAttrs (_: entry: {
      inherit (entry) word;
      listen = "0.0.0.0:${toString entry.port}";
      openFirewall = true;
    }) config.wordtally.words;
    defaults = {
      # The source addresses of QEMU's forwarded ports.
      allowedAddresses = lib.mkAfter [ "10.0.2.0/24" ];
      logFormat = "text";
    };
  };
  services.bigquery-standin.admin = true;

  services.getty.autologinUser = "root";
}
