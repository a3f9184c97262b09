{ name, metric, ... }:
let
  timestamp = metric "wordtally_answer_timestamp_seconds";
in
{
  severity = "warning";
  after = "5m";
  expr = "time() - ${timestamp} > ${metric "wordtally_answer_ttl_seconds"} or absent(${timestamp})";
  summary = "The page /${name}/ shows data older than its TTL, or reports no age.";

  labels.job = "wordtally";
  cases = {
    "the answer stays" = {
      series.${timestamp} = "0x60";
      fires = true;
    };
    "no age is reported" = {
      series.${timestamp} = null;
      fires = true;
    };
  };
}
