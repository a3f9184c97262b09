# The sandbox of the program that handles deployers' requests as root and so reads untrusted input. It writes to the store,
# which Nix remounts for that, and asks systemd for every change to the system. So it gets the host's file systems, but only
# the system calls that it needs.
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
