# What Nix takes as it stands in flake.lock: that an input is of the repository that flake.nix names, and has a hash and
# a time. That the lock is the one that flake.nix asks for is Nix's own check: `--no-update-lock-file`.
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
