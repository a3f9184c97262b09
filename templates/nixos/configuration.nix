# A placeholder: replace this with your machine's own configuration.nix, which also has its boot loader, users and network.
{
  system.stateVersion = "26.05";
  nixpkgs.hostPlatform = "x86_64-linux";

  boot.loader.grub.device = "/dev/sda";

  fileSystems."/" = {
    device = "/dev/disk/by-label/nixos";
    fsType = "ext4";
  };
}
