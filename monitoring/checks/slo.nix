# Checks with promtool that each burn alert fires above its rate in both of its windows and in no other case, and that it ends
# after the fault.
{
  pkgs,
  lib,
  hosts,
  ...
}:
let
  json = pkgs.formats.json { };
  inherit (hosts.prod.options.services.wordtally.monitoring) objectives;
  defaults = lib.mapAttrs (_: option: option.default) objectives;
  # Both thresholds are whole numbers of samples: 54 of 120, 135 of 720.
  exact = lib.mapAttrs (_: _: 0.96875) objectives;
  strict = lib.mapAttrs (_: _: 0.9999) objectives;

  # Samples are 30 seconds apart, so the windows hold 10, 60, 120 and 720, whatever came before. Tests write them as runs of one
  # kind: "ok 10, failed 2".
  runs =
    text:
    map (
      run:
      let
        words = lib.splitString " " run;
      in
      {
        kind = lib.head words;
        count = lib.toInt (lib.last words);
      }
    ) (lib.splitString ", " text);
  total = text: lib.foldl' (sum: run: sum + run.count) 0 (runs text);

  # Samples of a probe: ok, failed, or none.
  written = lib.concatMapStringsSep " " (
    { kind, count }:
    {
      ok = "1x${toString (count - 1)}";
      failed = "0x${toString (count - 1)}";
      none = "_x${toString count}";
    }
    .${kind}
  );

  pageOf = instance: text: {
    series = ''probe_success{job="wordtally-page",instance="${instance}"}'';
    values = written (runs text);
  };
  page = pageOf "the";

  # Samples of the answer's time: now; old, the time at which the run began; unset, which is 0 before the first answer; none,
  # from an instance that is down.
  # Twice the TTL of 5 minutes, in samples: an answer may remain for this long.
  allowed = 20;
  answer = text: [
    {
      series = ''wordtally_answer_ttl_seconds{job="wordtally",instance="the"}'';
      values = "300x${toString (total text)}";
    }
    {
      series = ''wordtally_answer_timestamp_seconds{job="wordtally",instance="the"}'';
      values =
        (lib.foldl'
          (
            { at, text }:
            { kind, count }:
            {
              at = at + count;
              text =
                text
                + {
                  now = "${toString (30 * at)}+30x${toString (count - 1)} ";
                  # The previous sample was the last new one.
                  old = "${toString (30 * (at - 1))}x${toString (count - 1)} ";
                  unset = "0x${toString (count - 1)} ";
                  none = "_x${toString count} ";
                }
                .${kind};
            }
          )
          {
            at = 0;
            text = "";
          }
          (runs text)
        ).text;
    }
  ];

  fires = alertname: job: slo: severity: times: {
    exp_labels = {
      inherit job severity slo;
      instance = "the";
    };
    exp_annotations = {
      summary = "The page /the/ is using up its ${slo} budget ${times} times too fast.";
      runbook = "docs/runbooks/${alertname}.md";
    };
  };
  availability = {
    alertname = "WordtallyAvailabilityBurn";
    fires = fires "WordtallyAvailabilityBurn" "wordtally-page" "availability";
  };
  freshness = {
    alertname = "WordtallyFreshnessBurn";
    fires = fires "WordtallyFreshnessBurn" "wordtally" "freshness";
  };

  # The alerts that fire after this number of samples.
  after = samples: exp_alerts: { inherit samples exp_alerts; };
  test =
    { alertname, ... }:
    name: input_series: moments: {
      inherit name;
      interval = "30s";
      input_series = lib.toList input_series;
      alert_rule_test = map (
        { samples, exp_alerts }:
        {
          inherit alertname exp_alerts;
          eval_time = "${toString (30 * (samples - 1))}s";
        }
      ) moments;
    };
  # After the last sample.
  ends =
    alert: name: text: exp_alerts:
    test alert name (page text) [ (after (total text) exp_alerts) ];
  answers =
    name: text: exp_alerts:
    test freshness name (answer text) [ (after (total text) exp_alerts) ];

  byDefault = [
    (ends availability "all is well" "ok 800" [ ])
    (ends availability "one probe failed" "ok 10, failed 1" [ ])
    (ends availability "one probe failed just after Prometheus started" "ok 1, failed 1, ok 2" [ ])
    (ends availability "one probe failed after a gap" "ok 5, none 110, ok 5, failed 1" [ ])
    (ends availability "two probes failed: 1 h and 5 min burn" "ok 10, failed 2" [
      (availability.fires "critical" "16.7")
    ])
    (ends availability "only 1 h burns" "ok 10, failed 4, ok 10" [ ])
    (ends availability "only 5 min burn" "ok 10, failed 1, ok 1" [ ])
    (ends availability "only 6 h burn" "ok 10, failed 5, ok 60" [ ])
    (ends availability "only 30 min burn" "ok 10, failed 4, ok 12" [ ])
    # Every 45 minutes, the last 10 minutes ago.
    (ends availability "one probe fails again and again: 6 h and 30 min burn" (
      lib.concatStrings (lib.replicate 8 "ok 89, failed 1, ") + "ok 20"
    ) [ (availability.fires "warning" "11.1") ])
    (test availability "an outage of 10 minutes, and what is left of it"
      (page "ok 10, failed 20, ok 100")
      [
        (after 11 [ ])
        (after 12 [ (availability.fires "critical" "16.7") ])
        (after 30 [
          (availability.fires "critical" "166.7")
          (availability.fires "warning" "27.8")
        ])
        (after 39 [
          (availability.fires "critical" "166.7")
          (availability.fires "warning" "27.8")
        ])
        (after 40 [ (availability.fires "warning" "27.8") ])
        (after 89 [ (availability.fires "warning" "27.8") ])
        (after 90 [ ])
      ]
    )
    (test availability "of two words one fails"
      [
        (page "ok 10, failed 2")
        (pageOf "love" "ok 12")
      ]
      [ (after 12 [ (availability.fires "critical" "16.7") ]) ]
    )
    # WordtallyPageUnavailable reports that the probes have stopped.
    (ends availability "nobody asks any more" "ok 10, failed 2, none 30" [ ])

    (answers "all is well" "now 10" [ ])
    (answers "an answer is as old as it may be" "now 10, old ${toString allowed}" [ ])
    (answers "old for 17 samples of 120" "now 10, old ${toString (allowed + 17)}" [ ])
    (answers "old for 18 samples of 120: 1 h and 5 min burn" "now 10, old ${toString (allowed + 18)}" [
      (freshness.fires "critical" "15.0")
    ])
    (answers "only 1 h burns" "now 10, old ${toString (allowed + 18)}, now 10" [ ])
    (answers "only 5 min burn" "now 10, old ${toString (allowed + 10)}" [ ])
    (answers "old for 43 samples of 720" "now 10, old ${toString (allowed + 43)}, now 15" [ ])
    (answers "old for 44 samples of 720: 6 h and 30 min burn"
      "now 10, old ${toString (allowed + 44)}, now 15"
      [ (freshness.fires "warning" "6.1") ]
    )
    (answers "only 6 h burn" "now 10, old ${toString (allowed + 44)}, now 60" [ ])
    (answers "no answer yet after a restart" "now 10, unset 60" [ ])
    (answers "the instance is down" "now 10, none 60" [ ])
    (answers "the instance is down, then serves an old answer shortly"
      "now 5, none 110, old ${toString (allowed + 5)}"
      [ ]
    )
  ];

  # promtool evaluates all groups at one interval: here the budget group's own.
  budget = [
    {
      name = "the budget left";
      interval = "30s";
      input_series = [
        (page "ok 100, failed 20, ok 80")
        (pageOf "love" "ok 200")
      ];
      promql_expr_test = [
        {
          # 20 probes failed; 30 days have 86,400 probes, of which 86.4 may fail.
          expr = "round(wordtally:slo_budget:left, 0.01)";
          eval_time = "5970s";
          exp_samples =
            lib.mapAttrsToList
              (instance: value: {
                labels = ''{instance="${instance}",job="wordtally-page",slo="availability"}'';
                inherit value;
              })
              {
                the = 0.77;
                love = 1;
              };
        }
      ];
    }
  ];

  # At the threshold itself, nothing fires.
  atTheBoundary = [
    (ends availability "54 of 120" "ok 10, failed 54" [ ])
    (ends availability "55 of 120" "ok 10, failed 55" [ (availability.fires "critical" "14.7") ])
    (ends availability "135 of 720" "ok 10, failed 95, ok 200, failed 40" [ ])
    (ends availability "136 of 720" "ok 10, failed 96, ok 200, failed 40" [
      (availability.fires "warning" "6.0")
    ])
    (answers "old for 54 of 120" "now 10, old ${toString (allowed + 54)}" [ ])
    (answers "old for 55 of 120" "now 10, old ${toString (allowed + 55)}" [
      (freshness.fires "critical" "14.7")
    ])
  ];

  # The budget of a month is 8 failed probes.
  underAStrictObjective = [
    (ends availability "one probe failed" "ok 10, failed 1" [ ])
    (ends availability "two probes failed" "ok 10, failed 2" [
      (availability.fires "critical" "166.7")
      (availability.fires "warning" "27.8")
    ])
  ];

  file =
    name: interval: objectives: tests:
    json.generate "${name}-tests.json" {
      rule_files = [
        (json.generate "${name}-rules.json" (
          import ../slo-rules.nix { inherit lib; } {
            inherit objectives;
            probeSeconds = 30;
          }
        ))
      ];
      evaluation_interval = interval;
      inherit tests;
    };
in
pkgs.runCommand "wordtally-slo" { } ''
  ${pkgs.prometheus.cli}/bin/promtool test rules \
    ${file "default" "30s" defaults byDefault} \
    ${file "exact" "30s" exact atTheBoundary} \
    ${file "strict" "30s" strict underAStrictObjective} \
    ${file "budget" "4m" defaults budget} | tee $out
''
