# The options of every instance, and of `defaults`, which sets them for all instances. Each option has the name of the flag of
# `wordtally serve`; docs/reference/command-line.md has their meaning, their bounds and the defaults of the service itself.
{ lib, defaults }:
let
  inherit (lib) mkOption types;
  # An instance takes its defaults from `services.wordtally.defaults`, and those take theirs from the value given here.
  option =
    name: default: attributes:
    mkOption (
      attributes
      // {
        default = if defaults == null then default else defaults.${name};
        defaultText =
          if defaults == null then
            attributes.defaultText or (lib.literalExpression (lib.generators.toPretty { } default))
          else
            lib.literalExpression "config.services.wordtally.defaults.${name}";
      }
    );
  # `null` leaves a value to the service's own default.
  optional =
    name: type: attributes:
    option name null ({ type = types.nullOr type; } // attributes);
in
{
  credentialFile = optional "credentialFile" (types.either types.path types.str) {
    example = lib.literalExpression ''config.age.secrets."bigquery.json".path'';
    description = ''
      Credential file, outside the store; systemd passes a copy to the unit. If it is an agenix secret, the units that
      use it are restarted when the secret changes. With `null`, the credential is the machine's own identity, as on
      Google's Compute Engine.
    '';
  };
  project = optional "project" types.str {
    example = "my-project-123";
    description = "Project that is billed for the jobs; `null`: the credential's project.";
  };
  table = optional "table" types.str {
    example = "my-project-123.texts.words";
    description = "Table with the columns `word`, `word_count` and `corpus`, as `project.dataset.table`.";
  };
  location = optional "location" types.str {
    example = "EU";
    description = "Location of the jobs; `null`: BigQuery chooses it.";
  };
  bigqueryEndpoint = optional "bigqueryEndpoint" types.str {
    example = "http://127.0.0.1:9050";
    description = "BigQuery's address; `null`: Google's.";
  };
  ttl = optional "ttl" types.str {
    example = "5m";
    description = "Time for which an answer counts as fresh.";
  };
  maxStale = optional "maxStale" types.str {
    example = "24h";
    description = "Age up to which an answer is served while BigQuery fails.";
  };
  corsOrigin = optional "corsOrigin" types.str {
    example = "https://example.com";
    description = ''
      Origins whose pages may read responses in a browser, separated by commas, or `*` for any. `null`: no other origin.
    '';
  };
  timeout = optional "timeout" types.str {
    example = "30s";
    description = "Time that one refresh may take.";
  };
  maximumBytesBilled = optional "maximumBytesBilled" types.ints.positive {
    example = 104857600;
    description = "Maximum number of bytes that BigQuery may bill for one job.";
  };
  workers = optional "workers" types.ints.positive {
    example = 2;
    description = "Number of threads that serve requests.";
  };
  logFormat =
    optional "logFormat"
      (types.enum [
        "json"
        "text"
      ])
      {
        example = "text";
        description = "Format of the log lines.";
      };
  logLevel =
    optional "logLevel"
      (types.enum [
        "error"
        "warn"
        "info"
        "debug"
      ])
      {
        example = "warn";
        description = "Lowest severity that is logged.";
      };
  extraEnvironment = option "extraEnvironment" { } {
    type = types.attrsOf types.str;
    example = {
      GCE_METADATA_HOST = "127.0.0.1:8080";
    };
    description = ''
      Further environment variables. Everyone on the machine can read them.
    '';
  };
  extraReadOnlyPaths = option "extraReadOnlyPaths" [ ] {
    type = types.listOf types.str;
    example = [ "/run/workload-identity" ];
    description = ''
      Paths that the unit can read besides `/etc` and the store, such as the folder of a workload identity's token. The
      unit's user owns no files there, so they must be readable by everyone, or by a group in
      `SupplementaryGroups=`. A path with the prefix `-` may be missing. For a file that is replaced at run time, give
      its folder: with the path of the file itself, the unit would continue to see the old file.
    '';
  };
  allowedAddresses = optional "allowedAddresses" (types.listOf types.str) {
    example = [
      "localhost"
      "199.36.153.8/30"
    ];
    description = ''
      IP addresses and prefixes that the unit may reach, as for systemd's `IPAddressAllow=`; the kernel refuses all
      others. `null`: any. The list must include the DNS resolver. `199.36.153.8/30` is `private.googleapis.com`.
    '';
  };
  memoryMax = option "memoryMax" "128M" {
    type = types.str;
    description = "Memory limit beyond which the kernel kills the unit, as for systemd's `MemoryMax=`.";
  };
  tasksMax = option "tasksMax" 64 {
    type = types.ints.positive;
    description = "Maximum number of threads of the unit: the workers, and those that refresh, write the log and resolve names.";
  };
}
