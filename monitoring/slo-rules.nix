# Service level objectives: how fast each word uses up its error budget, and alerts on that. A rule is for all words, which
# it tells apart by the label `instance`: a word that gives no samples at all is for the alerts of ./alerts.
{ lib }:
{
  # By SLO, the share of time in which all is well.
  objectives,
  # Seconds between two probes of a page. Every window is a whole number of these.
  probeSeconds,
}:
let
  burns = import ./burns.nix;
  samples = lib.mapAttrs (_: seconds: seconds / probeSeconds) {
    "5m" = 300;
    "30m" = 1800;
    "1h" = 3600;
    "6h" = 21600;
  };

  # How many samples of the window were bad.
  bad = {
    # Each probe as it was written: it asks as a client does, so that it also tells of TLS, nginx and a dead process.
    availability =
      window:
      let
        pages = ''probe_success{job="wordtally-page"}[${window}]'';
      in
      "count_over_time(${pages}) - sum_over_time(${pages})";
    freshness = window: "sum_over_time(wordtally:answer_old:bool[${window}])";
  };
  # As JSON writes them: shortest, and exact.
  number = builtins.toJSON;
  budget = slo: "(1 - ${number objectives.${slo}})";

  # How many times faster than the objective allows. Divided by the samples of a full window: the few of a Prometheus that
  # has just started, or a gap, make no failure larger than it is.
  burnRate = slo: window: count: {
    record = "wordtally:slo_burn:rate${window}";
    expr = "clamp_max((${bad.${slo} window}) / ${toString count}, 1) / ${budget slo}";
    labels = { inherit slo; };
  };

  # A budget may be so small that one bad sample is above the threshold. One alone never alerts.
  threshold =
    slo:
    { factor, long, ... }:
    if factor * (1 - objectives.${slo}) * samples.${long} < 1 then
      "1.5 / ${toString samples.${long}} / ${budget slo}"
    else
      number factor;

  alert =
    { slo, name }:
    burn:
    let
      rate = window: ''wordtally:slo_burn:rate${window}{slo="${slo}"} > ${threshold slo burn}'';
    in
    {
      alert = name;
      expr = "${rate burn.long} and ${rate burn.short}";
      labels = { inherit (burn) severity; };
      annotations = {
        summary = "The page /{{ $labels.instance }}/ is using up its ${slo} budget {{ $value | printf \"%.1f\" }} times too fast.";
        runbook = "docs/runbooks/${name}.md";
      };
    };
in
{
  groups = [
    {
      name = "wordtally-slo";
      interval = "${toString probeSeconds}s";
      rules = [
        # One refresh may be missed whole. Before the first answer nothing is served, so nothing old is.
        {
          record = "wordtally:answer_old:bool";
          expr = ''time() - (wordtally_answer_timestamp_seconds{job="wordtally"} > 0) > bool 2 * wordtally_answer_ttl_seconds{job="wordtally"}'';
        }
      ]
      ++ lib.concatMap (slo: lib.mapAttrsToList (burnRate slo) samples) (lib.attrNames bad)
      ++ lib.concatMap (slo: map (alert slo) burns) [
        {
          slo = "availability";
          name = "WordtallyAvailabilityBurn";
        }
        {
          slo = "freshness";
          name = "WordtallyFreshnessBurn";
        }
      ];
    }
    {
      name = "wordtally-slo-budget";
      # Seldom enough for 30 days of every word to be read quickly; Prometheus takes a sample as old after 5 minutes.
      interval = "4m";
      rules = [
        {
          record = "wordtally:slo_budget:burn";
          expr = "wordtally:slo_burn:rate30m";
        }
        {
          record = "wordtally:slo_budget:left";
          # Divided by the samples of 30 days, as above: a month that has just begun has its whole budget.
          expr = "1 - sum_over_time(wordtally:slo_budget:burn[30d]) / ${toString (30 * 24 * 15)}";
        }
      ];
    }
  ];
}
