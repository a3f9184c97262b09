# The machine that production runs on: a virtual machine with one disk, which its operator creates.
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
