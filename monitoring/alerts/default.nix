# The alerts of this folder, as Prometheus' rule groups: a file is an alert by its name, with the cases that test it. Each
# has its runbook. `perWord = false` is an alert of the whole host; names are safe in a query as they are.
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
  # What an alert is, of one instance: a value that is not there is as bad as a wrong one, as whoever should give it is down.
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
      # The instance's name tells the rules apart.
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
