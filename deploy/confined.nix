# What answers a deployer's requests as root: it reads what strangers send. It writes to the store, for which Nix mounts it
# anew, and asks systemd for all that changes the system; so it has the host's own file systems, and no call that it needs not.
{
  NoNewPrivileges = true;
  LockPersonality = true;
  RestrictRealtime = true;
  RestrictSUIDSGID = true;
  RestrictNamespaces = "mnt";
  RestrictAddressFamilies = [
    "AF_UNIX"
    "AF_INET"
    "AF_INET6"
    "AF_NETLINK"
  ];
  SystemCallArchitectures = "native";
  SystemCallFilter = [
    "~@clock @cpu-emulation @debug @module @obsolete @raw-io @reboot @swap"
  ];
  SystemCallErrorNumber = "EPERM";
  CapabilityBoundingSet = [
    "~CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_TIME CAP_SYS_BOOT CAP_MAC_ADMIN CAP_MAC_OVERRIDE CAP_BPF CAP_PERFMON CAP_WAKE_ALARM"
  ];
  KeyringMode = "private";
  TasksMax = 256;
}
