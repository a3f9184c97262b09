# A pod's memory request and limit from a systemd `MemoryMax=`, in which `64M` is 64 MiB.
{ lib }:
max:
let
  # After a load, an instance was measured to use less than half of it: bench/results.md.
  request = 32 * mebibyte;

  mebibyte = 1024 * 1024;
  units = {
    K = 1024;
    M = mebibyte;
    G = 1024 * mebibyte;
    T = 1024 * 1024 * mebibyte;
  };
  parts = builtins.match "([0-9]+)([KMGT])" max;
  bytes = lib.toIntBase10 (lib.head parts) * units.${lib.last parts};
  limit = "${lib.concatStrings parts}i";
in
lib.throwIf (parts == null)
  "services.wordtally.instances: memoryMax is '${max}', which Kubernetes cannot express: give a number followed by K, M, G or T, such as 64M."
  {
    inherit limit;
    # Kubernetes refuses a request above the limit.
    request = if bytes < request then limit else "32Mi";
  }
