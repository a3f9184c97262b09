# Each alert fires when it should and is silent when all is well, by promtool; each has its runbook.
{
  pkgs,
  lib,
  hosts,
  ...
}:
let
  inherit (hosts.mock-prod) config;
  rules = toString config.services.prometheus.ruleFiles;
  generated = import ../alert-rules.nix { inherit lib; } {
    instances.the = { };
    certificateDays = 14;
    watchSeconds = 15;
  };

  json = pkgs.formats.json { };
  rulesOfOne = json.generate "rules.json" generated;
  expected = alertname: labels: summary: [
    {
      exp_labels = labels;
      exp_annotations = {
        runbook = "docs/runbooks/${alertname}.md";
        inherit summary;
      };
    }
  ];
  page = ''probe_success{job="wordtally-page",instance="the"}'';
  timestamp = ''wordtally_answer_timestamp_seconds{job="wordtally",instance="the"}'';
  ttl = ''wordtally_answer_ttl_seconds{job="wordtally",instance="the"}'';
  failed = result: ''wordtally_refreshes_total{job="wordtally",instance="the",result="${result}"}'';
  failures = failed "credential";
  expiry = ''probe_ssl_earliest_cert_expiry{job="wordtally-page",instance="the"}'';
  well = [
    {
      series = page;
      values = "1x60";
    }
    # Fetched anew every minute; the clock of a test begins at 0.
    {
      series = timestamp;
      values = "0+60x60";
    }
    {
      series = ttl;
      values = "300x60";
    }
    {
      series = failures;
      values = "0x60";
    }
    {
      series = expiry;
      values = "10000000x60";
    }
  ];
  broken = series: values: map (s: if s.series == series then s // { inherit values; } else s) well;
  failedForThreeReasons =
    without failures
    ++
      map
        (result: {
          series = failed result;
          values = "0x35 1x24";
        })
        [
          "credential"
          "timeout"
          "quota"
        ];
  without = series: lib.filter (s: s.series != series) well;

  test = name: input_series: alertname: exp_alerts: {
    inherit name input_series;
    interval = "1m";
    alert_rule_test = [
      {
        eval_time = "40m";
        inherit alertname exp_alerts;
      }
    ];
  };
  labelsOf = severity: {
    inherit severity;
    instance = "the";
  };
  pageFires = expected "WordtallyPageUnavailable" (
    labelsOf "critical" // { job = "wordtally-page"; }
  ) "The page /the/ does not answer with 200 at the front door.";
  oldFires = expected "WordtallyDataOld" (
    labelsOf "warning" // { job = "wordtally"; }
  ) "The page /the/ shows data older than its TTL, or tells no age.";
  refreshesFail = expected "WordtallyRefreshFailing" (
    labelsOf "warning" // { job = "wordtally"; }
  ) "Three refreshes of the failed in 15 minutes.";

  tests = json.generate "alert-tests.json" {
    rule_files = [ rulesOfOne ];
    evaluation_interval = "1m";
    tests =
      map (alertname: test "all is well: ${alertname}" well alertname [ ]) [
        "WordtallyPageUnavailable"
        "WordtallyDataOld"
        "WordtallyRefreshFailing"
        "WordtallyCertificateExpiring"
      ]
      ++ [
        (test "the page fails" (broken page "0x60") "WordtallyPageUnavailable" pageFires)
        (test "nobody asks for the page" (without page) "WordtallyPageUnavailable" pageFires)
        (test "the page failed once" (broken page "1x38 0x0 0 1x20") "WordtallyPageUnavailable" [ ])
        (test "the answer stays" (broken timestamp "0x60") "WordtallyDataOld" oldFires)
        (test "nobody tells the age" (without timestamp) "WordtallyDataOld" oldFires)
        (test "refreshes fail" (broken failures "0+1x60") "WordtallyRefreshFailing" refreshesFail)
        (test "three refreshes failed" (broken failures "0x35 3x24") "WordtallyRefreshFailing"
          refreshesFail
        )
        (test "three failed, each for another reason" failedForThreeReasons "WordtallyRefreshFailing"
          refreshesFail
        )
        (
          test "two refreshes failed" (broken failures "5x55 7x24") "WordtallyRefreshFailing" [ ]
          # Of samples that fall between the evaluations, `increase` makes more than two.
          // {
            interval = "35s";
          }
        )
        (test "the certificate ends" (broken expiry "1000000x60") "WordtallyCertificateExpiring" (
          expected "WordtallyCertificateExpiring" {
            severity = "warning";
          } "The front door's certificate ends in less than 14 days."
        ))
      ];
  };
in
pkgs.runCommand "wordtally-alerts" { nativeBuildInputs = [ pkgs.jq ]; } ''
  ${pkgs.prometheus.cli}/bin/promtool check rules --lint-fatal ${rules}
  ${pkgs.prometheus.cli}/bin/promtool test rules ${tests}
  jq -r '.groups[].rules[] | select(.alert) | .annotations.runbook' ${rules} | sort -u >runbooks
  grep -q WordtallyAvailabilityBurn runbooks
  while read -r runbook; do
    if [ ! -s ${../../docs/runbooks}/"''${runbook#docs/runbooks/}" ]
    then echo "$runbook is named by an alert and does not exist" >&2; exit 1; fi
  done <runbooks
  touch $out
''
