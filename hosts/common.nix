# What every host has.
{
  config,
  lib,
  pkgs,
  ...
}:
{
  imports = [ ../deploy/module.nix ];

  system.stateVersion = "26.05";
  time.timeZone = "UTC";

  services.wordtally.enable = true;

  services.openssh = {
    enable = true;
    settings = {
      PasswordAuthentication = false;
      KbdInteractiveAuthentication = false;
      PermitRootLogin = lib.mkDefault "prohibit-password";
    };
  };

  users.users.root.openssh.authorizedKeys.keys =
    lib.attrValues (import ../secrets/keys.nix).operators ++ lib.attrValues config.wordtally.deployers;

  networking.firewall.enable = true;
  networking.nftables.enable = true;

  # All logs go to the journal. An hourly job that fails beside a deployment would have it put back.
  services.logrotate.enable = false;

  # Nothing is built or changed on a host: it is deployed to.
  users.mutableUsers = false;
  environment.defaultPackages = [ ];
  environment.systemPackages = [ pkgs.curl ];
  documentation.enable = false;
}
