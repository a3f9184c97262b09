# Checks with promtool that each alert fires in its cases and in no others, and that it has a runbook.
{
  pkgs,
  lib,
  hosts,
  ...
}:
let
  inherit (hosts.mock-prod) config;
  rules = toString config.services.prometheus.ruleFiles;
  generated = import ../alerts { inherit lib; } {
    instances.the = { };
    certificateDays = 14;
    watchSeconds = 15;
  };
  alerts = generated.alertsOf "the";

  json = pkgs.formats.json { };
  well = {
    ${''probe_success{job="wordtally-page",instance="the"}''} = "1x60";
    # Refreshed every minute; a test's clock begins at 0.
    ${''wordtally_answer_timestamp_seconds{job="wordtally",instance="the"}''} = "0+60x60";
    ${''wordtally_answer_ttl_seconds{job="wordtally",instance="the"}''} = "300x60";
    ${''wordtally_refreshes_total{job="wordtally",instance="the",result="credential"}''} = "0x60";
    ${''probe_ssl_earliest_cert_expiry{job="wordtally-page",instance="the"}''} = "10000000x60";
  };
  test =
    alert: name:
    {
      # The series that differ from the healthy state; `null`: the series is missing.
      series,
      fires,
      interval ? "1m",
    }:
    {
      inherit name interval;
      input_series = lib.mapAttrsToList (series: values: { inherit series values; }) (
        lib.filterAttrs (_: values: values != null) (well // series)
      );
      alert_rule_test = [
        {
          eval_time = "40m";
          alertname = alert.name;
          exp_alerts = lib.optional fires {
            exp_labels = {
              inherit (alert) severity;
            }
            // lib.optionalAttrs alert.perWord { instance = "the"; }
            // alert.labels or { };
            exp_annotations = {
              inherit (alert) summary;
              runbook = "docs/runbooks/${alert.name}.md";
            };
          };
        }
      ];
    };

  tests = json.generate "alert-tests.json" {
    rule_files = [ (json.generate "rules.json" { inherit (generated) groups; }) ];
    evaluation_interval = "1m";
    tests = lib.concatMap (
      alert:
      assert lib.assertMsg (lib.any (case: case.fires) (
        lib.attrValues alert.cases
      )) "${alert.name} has no case in which it fires";
      lib.mapAttrsToList (test alert) (
        {
          "all is well: ${alert.name}" = {
            series = { };
            fires = false;
          };
        }
        // alert.cases
      )
    ) alerts;
  };
in
pkgs.runCommand "wordtally-alerts" { nativeBuildInputs = [ pkgs.jq ]; } ''
  ${pkgs.prometheus.cli}/bin/promtool check rules --lint-fatal ${rules}
  ${pkgs.prometheus.cli}/bin/promtool test rules ${tests}
  jq -r '.groups[].rules[] | select(.alert) | .annotations.runbook' ${rules} | sort -u >runbooks
  grep -q WordtallyAvailabilityBurn runbooks
  grep -q WordtallyDataOld runbooks
  while read -r runbook; do
    if [ ! -s ${../../docs/runbooks}/"''${runbook#docs/runbooks/}" ]
    then echo "$runbook is named by an alert but does not exist" >&2; exit 1; fi
  done <runbooks
  # There is no runbook that no alert names.
  diff <(sed 's#.*/##' runbooks) <(ls ${../../docs/runbooks})
  jq '.tests | length' ${tests} | tee $out
''
