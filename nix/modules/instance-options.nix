# What every instance can be told, and what `defaults` tells all of them. Each name is that of the flag of
# `wordtally serve`; the meaning, the bounds and the defaults of the service itself are on docs/reference/command-line.md.
{ lib, defaults }:
let
  inherit (lib) mkOption types;
  # An instance starts from `services.wordtally.defaults`; those start from the value given here.
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
      Credential file, outside the store; systemd hands a copy to the unit. Where it is the file of an agenix
      secret, the units that use it are restarted when the secret changes. With `null` it is the machine's own
      identity, as on Google's Compute Engine.
    '';
  };
  project = optional "project" types.str {
    example = "my-project-123";
    description = "Project that is billed for the jobs; `null`: the credential's own.";
  };
  table = optional "table" types.str {
    example = "my-project-123.texts.words";
    description = "Table with the columns `word`, `word_count` and `corpus`, as `project.dataset.table`.";
  };
  location = optional "location" types.str {
    example = "EU";
    description = "Location of the jobs; `null`: BigQuery chooses.";
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
      Origin whose pages may read the answers in a browser, or `*` for each; several with commas between them. `null`: no
      other origin.
    '';
  };
  timeout = optional "timeout" types.str {
    example = "30s";
    description = "Time that one refresh may take.";
  };
  maximumBytesBilled = optional "maximumBytesBilled" types.ints.positive {
    example = 104857600;
    description = "Most bytes that BigQuery may bill for one job.";
  };
  workers = optional "workers" types.ints.positive {
    example = 2;
    description = "Threads that serve.";
  };
  logFormat =
    optional "logFormat"
      (types.enum [
        "json"
        "text"
      ])
      {
        example = "text";
        description = "Form of the log's lines.";
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
        description = "Least severe lines of the log.";
      };
  extraEnvironment = option "extraEnvironment" { } {
    type = types.attrsOf types.str;
    example = {
      GCE_METADATA_HOST = "127.0.0.1:8080";
    };
    description = ''
      Environment variables besides those of these options. Everyone on the machine can read them.
    '';
  };
  extraReadOnlyPaths = option "extraReadOnlyPaths" [ ] {
    type = types.listOf types.str;
    example = [ "/run/workload-identity" ];
    description = ''
      Paths that the unit can read besides `/etc` and the store, such as the folder of a workload identity's token. The
      unit's user has no rights of its own there: what it reads is readable to all, or to a group of
      `SupplementaryGroups=`. With `-` before it, a path may be missing. Give the folder of a file that is replaced: the
      unit would keep the old file.
    '';
  };
  allowedAddresses = optional "allowedAddresses" (types.listOf types.str) {
    example = [
      "localhost"
      "199.36.153.8/30"
    ];
    description = ''
      IP addresses and prefixes that the unit may reach, as for systemd's `IPAddressAllow=`; all others are refused
      by the kernel. `null`: any. Name the resolver too. `199.36.153.8/30` is `private.googleapis.com`.
    '';
  };
  memoryMax = option "memoryMax" "128M" {
    type = types.str;
    description = "Memory at which the kernel ends the unit, as for systemd's `MemoryMax=`.";
  };
  tasksMax = option "tasksMax" 64 {
    type = types.ints.positive;
    description = "Threads that the unit may have: the workers, the one that refreshes, and those that resolve names.";
  };
}
