# The virtual machine that it runs on, with a login for the user who started it.
{ modulesPath, ... }:
let
  forward = from: to: {
    from = "host";
    host = {
      address = "127.0.0.1";
      port = from;
    };
    guest.port = to;
  };
in
{
  imports = [ "${modulesPath}/virtualisation/qemu-vm.nix" ];

  system.stateVersion = "26.05";
  networking.hostName = "third-party";
  documentation.enable = false;

  virtualisation = {
    diskImage = null;
    graphics = false;
    memorySize = 2048;
    cores = 2;
    forwardPorts = [
      (forward 2223 22)
      (forward 8080 80)
      (forward 8445 443)
    ];
  };

  services.openssh = {
    enable = true;
    authorizedKeysFiles = [ "/run/credentials/@system/ssh.authorized-keys" ];
  };
  users.allowNoPasswordLogin = true;
  boot.initrd.kernelModules = [ "qemu_fw_cfg" ];
  boot.loader.grub.enable = false;
}
