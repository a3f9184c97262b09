# What a network service of ours is denied. It sees a root of its own, with what `paths` lists and the store, of which it may
# execute one program. It sees the whole store, because links in /etc lead there and a switch changes where they lead.
{
  storeDir,
  paths,
  program,
  stateDirectories ? [ ],
}:
let
  # `+` is the unit's own root. Without it a path is one of the host's, which is not there, and systemd passes it over.
  inRoot =
    path:
    if builtins.substring 0 1 path == "-" then "-+${builtins.substring 1 (-1) path}" else "+${path}";
in
import ./sandbox.nix
// {
  RootDirectory = "/run/empty-root";
  MountAPIVFS = true;
  BindReadOnlyPaths = [ storeDir ] ++ paths;
  # Each mount by itself: one that is bound keeps what it was when what is above it changes.
  NoExecPaths = map inRoot (
    [
      "/"
      storeDir
      "-/run"
      "-/tmp"
      "-/var/tmp"
      "-/dev/shm"
      "-/dev/hugepages"
    ]
    ++ paths
    ++ map (directory: "/var/lib/${directory}") stateDirectories
  );
  # A static one, which needs no loader and no library. A list, for a unit that is given more.
  ExecPaths = [ (inRoot program) ];

  # AF_UNIX is for systemd's own notification socket.
  RestrictAddressFamilies = [
    "AF_UNIX"
    "AF_INET"
    "AF_INET6"
  ];
}
