# A virtual machine for QEMU. Nothing of it remains after it stops.
{
  config,
  lib,
  modulesPath,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.wordtally;
  inherit (config.services.wordtally) reverseProxy instances;
  authority = lib.optionalString (
    cfg.deployment.certificateAuthority != null
  ) "--cacert ${cfg.deployment.certificateAuthority} ";
  parse = import ../nix/modules/listen.nix { inherit lib; };
in
{
  imports = [ "${modulesPath}/virtualisation/qemu-vm.nix" ];

  options.wordtally = {
    greeting = mkOption {
      type = types.listOf types.str;
      readOnly = true;
      default = lib.mapAttrsToList (
        name: instance: "${instance.word}: curl ${authority}${cfg.deployment.pages.${name}}"
      ) instances;
      defaultText = lib.literalMD "a command for each page";
      description = "Lines that the launcher prints: a command that requests each page, with the default ports.";
    };
    sshPort = mkOption {
      type = types.port;
      description = "Port on the launching machine's loopback that is forwarded to the guest's SSH server.";
    };
    forwardedPorts = mkOption {
      type = types.attrsOf types.port;
      readOnly = true;
      default = {
        ${toString cfg.sshPort} = 22;
      }
      // (
        if reverseProxy.enable then
          { ${toString cfg.deployment.publicPort} = 443; }
        else
          # An instance on a Unix socket has no port.
          lib.concatMapAttrs (
            _: listen:
            let
              port = (parse listen).port or null;
            in
            lib.optionalAttrs (port != null) { ${toString port} = port; }
          ) cfg.deployment.listen
      );
      defaultText = lib.literalMD "a port for SSH, and one for the reverse proxy or each instance";
      description = "Ports of the guest, each by the port on the launching machine's loopback that is forwarded to it by default.";
    };
  };

  config = {
    wordtally = {
      deployment = {
        address = "127.0.0.1";
        port = cfg.sshPort;
        # The key is new at each start.
        hostKey = null;
        trust = {
          # From the launcher, so that a release signed with a contributor's own key can be tried here.
          keyFiles = lib.mkOptionDefault [ "/run/credentials/@system/deploy-host.pub" ];
          repositories = lib.mkDefault [ "*" ];
          builders = lib.mkDefault [ "*" ];
          refs = lib.mkDefault [ "*" ];
        };
      };
    };

    virtualisation = {
      diskImage = null;
      graphics = false;
      memorySize = 2048;
      cores = 2;
    };

    # There is no disk to boot from.
    boot.loader.grub.enable = lib.mkForce false;

    # The launcher passes the identity that decrypts the secrets, neither through the store nor on the command line.
    boot.initrd.kernelModules = [ "qemu_fw_cfg" ];
    age.identityPaths = [ "/run/credentials/@system/age.identity" ];

    # Only the key that the launcher creates for this run can log in.
    users.allowNoPasswordLogin = true;
    # sshd reads it as the user who logs in, but only root can read a credential.
    systemd.tmpfiles.rules = [
      "C /run/launcher-key.pub 0444 root root - /run/credentials/@system/ssh.authorized-keys"
    ];
    services.openssh.authorizedKeysFiles = [ "/run/launcher-key.pub" ];
  };
}
