# The restrictions on our network services. A service sees its own root folder with the paths in `paths` and the store, of
# which it may execute one program. It sees the whole store, because links in /etc lead there and a switch changes their
# targets.
{
  storeDir,
  paths,
  program,
  stateDirectories ? [ ],
}:
let
  # `+` makes a path relative to the unit's own root. Without it, a path is relative to the host's root, where it does not
  # exist, and systemd skips it.
  inRoot =
    path:
    if builtins.substring 0 1 path == "-" then "-+${builtins.substring 1 (-1) path}" else "+${path}";
in
import ./sandbox.nix
// {
  RootDirectory = "/run/empty-root";
  MountAPIVFS = true;
  BindReadOnlyPaths = [ storeDir ] ++ paths;
  # Each mount is listed, because a bind mount keeps its own flags when those of its parent change.
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
  # A static program, which needs no loader and no library. It is a list, so that a host can add programs.
  ExecPaths = [ (inRoot program) ];

  # AF_UNIX is for systemd's notification socket.
  RestrictAddressFamilies = [
    "AF_UNIX"
    "AF_INET"
    "AF_INET6"
  ];
}
