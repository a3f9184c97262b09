# The minimum memory that Cloud Run gives with each number of CPUs; it offers no other numbers. Up to 2 CPUs, it is the minimum
# of the second execution environment.
{ lib }:
let
  memory = {
    "1" = "512Mi";
    "2" = "512Mi";
    "4" = "2Gi";
    "6" = "4Gi";
    "8" = "4Gi";
  };
in
rec {
  # The reason why an instance cannot have as many CPUs as workers, or `null`.
  problem =
    key: workers:
    if memory ? ${toString workers} then
      null
    else
      "services.wordtally.instances.${key}: workers is ${toString workers}, but Cloud Run offers instances with 1, 2, 4, 6 or 8 CPUs: give one of these.";

  limits =
    key: workers:
    let
      cpu = toString workers;
      refused = problem key workers;
    in
    lib.throwIfNot (refused == null) refused {
      inherit cpu;
      memory = memory.${cpu};
    };
}
