# The service's variables, each with the instance's option that sets it.
{
  WORD = "word";
  LISTEN = "listen";
  PROJECT = "project";
  TABLE = "table";
  LOCATION = "location";
  CREDENTIALS = "credentialFile";
  BIGQUERY_ENDPOINT = "bigqueryEndpoint";
  TTL = "ttl";
  MAX_STALE = "maxStale";
  CORS_ORIGIN = "corsOrigin";
  TIMEOUT = "timeout";
  MAXIMUM_BYTES_BILLED = "maximumBytesBilled";
  WORKERS = "workers";
  LOG_FORMAT = "logFormat";
  LOG_LEVEL = "logLevel";
}
