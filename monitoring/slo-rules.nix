# Service level objectives: how fast each word uses up its error budget, and alerts on that. One rule covers all words, which
# the label `instance` distinguishes. The alerts in ./alerts cover a word without any samples.
{ lib }:
{
  # The required share of good time, by SLO.
  objectives,
  # Seconds between two probes of a page. Every window is a multiple of this.
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

  # The number of bad samples in the window.
  bad = {
    # The recorded probes. A probe requests the page as a client does, so it also covers TLS, nginx and a dead process.
    availability =
      window:
      let
        pages = ''probe_success{job="wordtally-page"}[${window}]'';
      in
      "count_over_time(${pages}) - sum_over_time(${pages})";
    freshness = window: "sum_over_time(wordtally:answer_old:bool[${window}])";
  };
  # In JSON's notation, which is the shortest exact one.
  number = builtins.toJSON;
  budget = slo: "(1 - ${number objectives.${slo}})";

  # How many times faster than the objective allows. The divisor is the number of samples in a full window, so that few samples,
  # after a start of Prometheus or a gap, do not magnify a failure.
  burnRate = slo: window: count: {
    record = "wordtally:slo_burn:rate${window}";
    expr = "clamp_max((${bad.${slo} window}) / ${toString count}, 1) / ${budget slo}";
    labels = { inherit slo; };
  };

  # A budget may be so small that one bad sample exceeds the threshold. This keeps a single one from alerting.
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
        # One whole refresh may be missed. Before the first answer, nothing is served, so nothing is old.
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
      # Rare enough that 30 days of every word are read quickly, and below the 5 minutes after which Prometheus drops a sample.
      interval = "4m";
      rules = [
        {
          record = "wordtally:slo_budget:burn";
          expr = "wordtally:slo_burn:rate30m";
        }
        {
          record = "wordtally:slo_budget:left";
          # Divided by the samples of 30 days, as above, so that a new Prometheus starts with the whole budget.
          expr = "1 - sum_over_time(wordtally:slo_budget:burn[30d]) / ${toString (30 * 24 * 15)}";
        }
      ];
    }
  ];
}
