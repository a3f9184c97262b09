# The machine under production: a virtual machine with one disk, made by whoever runs it.
{
  boot.loader.grub.device = "/dev/sda";
  boot.initrd.availableKernelModules = [
    "nvme"
    "virtio_pci"
    "virtio_scsi"
    "sd_mod"
  ];

  fileSystems."/" = {
    device = "/dev/disk/by-label/nixos";
    fsType = "ext4";
  };
}
