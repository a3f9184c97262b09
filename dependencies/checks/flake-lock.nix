# Checks what Nix does not check in flake.lock: each input is locked to the repository that flake.nix names, with a hash
# and a time. Nix itself checks, with `--no-update-lock-file`, that the lock file matches flake.nix.
{ pkgs, lib, ... }:
let
  repository =
    { type, ... }@source:
    [
      type
      (source.owner or null)
      (source.repo or null)
    ];
  faultsOf =
    lock:
    lib.concatLists (
      lib.mapAttrsToList (
        name:
        { locked, original, ... }:
        map (fault: "flake.lock: ${name} ${fault}: run 'nix flake update ${name}'") (
          lib.optional (
            repository locked != repository original
          ) "is locked to a repository other than the requested one"
          ++ lib.optional (!locked ? narHash) "has no narHash"
          ++ lib.optional (!locked ? lastModified) "has no lastModified"
        )
      ) (removeAttrs lock.nodes [ lock.root ])
    );

  faults = faultsOf (lib.importJSON ../../flake.lock);
  broken = faultsOf {
    root = "root";
    nodes.crane = {
      locked = {
        type = "github";
        owner = "other";
        repo = "crane";
      };
      original = {
        type = "github";
        owner = "ipetkov";
        repo = "crane";
      };
    };
  };
in
assert lib.assertMsg (lib.length broken == 3) "a fault of a broken lock was not found";
lib.throwIf (faults != [ ]) (lib.concatStringsSep "\n" faults) pkgs.emptyFile
