# The alerts of this folder as Prometheus rule groups. Each file defines the alert of the same name, with the cases that test
# it, and each alert has a runbook. `perWord = false` marks an alert of the whole host. Names need no escaping in a query.
{ lib }:
{
  instances,
  # Days before the certificate expires at which the alert fires.
  certificateDays,
  # Seconds between two evaluations.
  watchSeconds,
}:
let
  interval = "${toString watchSeconds}s";
  names = map (lib.removeSuffix ".nix") (
    lib.filter (file: file != "default.nix") (lib.attrNames (builtins.readDir ./.))
  );
  # An alert of one instance. A missing value is as bad as a wrong one, because its source is down.
  read =
    instance: name:
    {
      perWord = true;
      inherit name;
    }
    // import (./. + "/${name}.nix") {
      inherit certificateDays;
      name = instance;
      page = ''probe_success{job="wordtally-page",instance="${instance}"}'';
      expiry = ''probe_ssl_earliest_cert_expiry{job="wordtally-page",instance="${instance}"}'';
      metric = metric: ''${metric}{job="wordtally",instance="${instance}"}'';
      failures =
        matcher: ''wordtally_refreshes_total{job="wordtally",instance="${instance}",${matcher}}'';
    };
  alertsOf = instance: map (read instance) names;
  rule =
    labels:
    {
      name,
      severity,
      after,
      expr,
      summary,
      ...
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
in
{
  inherit alertsOf;
  groups =
    lib.mapAttrsToList (instance: _: {
      name = "wordtally-${instance}";
      inherit interval;
      # The instance's name distinguishes the rules.
      rules = map (rule { inherit instance; }) (lib.filter (alert: alert.perWord) (alertsOf instance));
    }) instances
    ++ [
      {
        name = "wordtally-host";
        inherit interval;
        rules = map (rule { }) (lib.filter (alert: !alert.perWord) (alertsOf ""));
      }
    ];
}
