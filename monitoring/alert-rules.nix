# Alert rules for Prometheus, from the list of instances. Names are safe in a query as they are; words do not occur.
{ lib }:
{
  instances,
  certificateDays,
  # Seconds between two evaluations.
  watchSeconds,
}:
let
  interval = "${toString watchSeconds}s";

  alert =
    {
      name,
      severity,
      after,
      expr,
      summary,
      labels ? { },
    }:
    {
      alert = name;
      inherit expr;
      for = after;
      labels = labels // {
        inherit severity;
      };
      annotations = {
        inherit summary;
        runbook = "docs/runbooks/${name}.md";
      };
    };

  # A value that is not there is as bad as a wrong one: whoever should give it is down.
  wordRules =
    name:
    let
      page = ''probe_success{job="wordtally-page",instance="${name}"}'';
      metric = metric: ''${metric}{job="wordtally",instance="${name}"}'';
      # The instance's name tells the rules apart.
      labels.instance = name;
    in
    [
      (alert {
        inherit labels;
        name = "WordtallyPageUnavailable";
        severity = "critical";
        after = "2m";
        expr = "${page} == 0 or absent(${page})";
        summary = "The page /${name}/ does not answer with 200 at the front door.";
      })
      (alert {
        inherit labels;
        name = "WordtallyDataOld";
        severity = "warning";
        after = "5m";
        expr = "time() - ${metric "wordtally_answer_timestamp_seconds"} > ${metric "wordtally_answer_ttl_seconds"} or absent(${metric "wordtally_answer_timestamp_seconds"})";
        summary = "The page /${name}/ shows data older than its TTL, or tells no age.";
      })
      (alert {
        inherit labels;
        name = "WordtallyRefreshFailing";
        severity = "warning";
        after = "1m";
        # Whole failures, whatever their reasons: `increase` stretches two to a little more than two.
        expr = ''sum without (result) (increase(wordtally_refreshes_total{job="wordtally",instance="${name}",result!="ok"}[15m])) > 2.5'';
        summary = "Three refreshes of ${name} failed in 15 minutes.";
      })
    ];
in
{
  groups =
    map (name: {
      name = "wordtally-${name}";
      inherit interval;
      rules = wordRules name;
    }) (lib.attrNames instances)
    ++ [
      {
        name = "wordtally-certificate";
        inherit interval;
        rules = [
          (alert {
            name = "WordtallyCertificateExpiring";
            severity = "warning";
            after = "10m";
            expr = ''min(probe_ssl_earliest_cert_expiry{job="wordtally-page"}) - time() < ${toString certificateDays} * 86400'';
            summary = "The front door's certificate ends in less than ${toString certificateDays} days.";
          })
        ];
      }
    ];
}
