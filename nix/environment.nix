# What an instance tells the service, as environment variables; what is `null` is left to the service's own default.
{ lib }:
instance:
lib.mapAttrs (_: toString) (
  lib.filterAttrs (_: value: value != null) {
    WORD = instance.word;
    PROJECT = instance.project;
    TABLE = instance.table;
    LOCATION = instance.location;
    BIGQUERY_ENDPOINT = instance.bigqueryEndpoint;
    TTL = instance.ttl;
    STALE = instance.stale;
    TIMEOUT = instance.timeout;
    MAXIMUM_BYTES_BILLED = instance.maximumBytesBilled;
    WORKERS = instance.workers;
    LOG_FORMAT = instance.logFormat;
  }
)
