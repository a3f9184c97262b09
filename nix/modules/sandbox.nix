# Restrictions that suit all of our services, whatever they run and wherever their files are.
{
  DynamicUser = true;
  UMask = "0077";

  # The file system.
  ProtectSystem = "strict";
  ProtectHome = true;
  PrivateTmp = "disconnected";
  PrivateDevices = true;
  PrivateMounts = true;
  PrivateIPC = true;
  PrivateUsers = true;
  ProcSubset = "pid";
  ProtectProc = "invisible";

  # The kernel.
  CapabilityBoundingSet = "";
  AmbientCapabilities = "";
  NoNewPrivileges = true;
  ProtectClock = true;
  ProtectControlGroups = "strict";
  ProtectHostname = true;
  ProtectKernelLogs = true;
  ProtectKernelModules = true;
  ProtectKernelTunables = true;
  LockPersonality = true;
  MemoryDenyWriteExecute = true;
  RestrictNamespaces = true;
  RestrictRealtime = true;
  RestrictSUIDSGID = true;
  RemoveIPC = true;
  KeyringMode = "private";
  DeviceAllow = "";
  DevicePolicy = "closed";
  SystemCallArchitectures = "native";
  SystemCallErrorNumber = "EPERM";
  SystemCallFilter = [
    "@system-service"
    "~@privileged"
    "~@resources"
  ];
}
