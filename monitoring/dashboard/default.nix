# The Grafana dashboard, for any host's Prometheus: a folder with one file. Its variable `instance` takes the names from
# the metrics, so that a further word needs no other dashboard.
{
  lib,
  formats,
  runCommand,
}:
let
  inherit (import ./panels.nix { inherit lib; })
    datasource
    query
    step
    lines
    number
    bars
    table
    placed
    ;

  service = ''job="wordtally",instance=~"$instance"'';
  page = ''job="wordtally-page",instance=~"$instance"'';
  slo = name: ''slo="${name}",instance=~"$instance"'';

  burns = import ../burns.nix;

  budgetLeft =
    name:
    bars {
      title = "Error budget left: ${name}";
      description = "Of the last 30 days. Below 0, the objective is missed.";
      unit = "percentunit";
      range = {
        min = 0;
        max = 1;
      };
      steps = [
        (step null "red")
        (step 0 "orange")
        (step 0.25 "green")
      ];
      queries = [ (query "{{instance}}" "wordtally:slo_budget:left{${slo name}}") ];
    };
  burn =
    name:
    lines {
      title = "Burn rate: ${name}";
      description = "1 uses the budget up in exactly 30 days. Alerts fire above ${
        lib.concatMapStringsSep ", and above " (
          burn: "${builtins.toJSON burn.factor} in ${burn.long} and ${burn.short}"
        ) burns
      }.";
      steps = [
        (step null "green")
      ]
      ++ map (
        burn:
        step burn.factor
          {
            critical = "red";
            warning = "orange";
          }
          .${burn.severity}
      ) (lib.sort (first: second: first.factor < second.factor) burns);
      queries =
        map (window: query "{{instance}} ${window}" "wordtally:slo_burn:rate${window}{${slo name}}")
          [
            "5m"
            "30m"
            "1h"
            "6h"
          ];
    };

  panels = [
    (budgetLeft "availability")
    (budgetLeft "freshness")
    (burn "availability")
    (burn "freshness")
    (table {
      title = "Alerts";
      description = "Pending and firing, those of every word.";
      queries = [
        (query "" ''ALERTS{alertname=~"Wordtally.*"}'')
      ];
      transformations = [
        {
          id = "organize";
          options.excludeByName = {
            Time = true;
            Value = true;
            __name__ = true;
            job = true;
          };
        }
      ];
    })
    (lines {
      title = "Age of the data";
      description = "Since the job of the served answer was sent. Twice the TTL is what the objective allows.";
      unit = "s";
      queries = [
        (query "{{instance}}" "time() - (wordtally_answer_timestamp_seconds{${service}} > 0)")
        (query "{{instance}} allowed" "2 * wordtally_answer_ttl_seconds{${service}}")
      ];
    })
    (lines {
      title = "Requests of the page by status";
      description = "Answered by the instance, the probes of the reverse proxy among them. What nginx refuses or answers with a copy is not in it: under load it stays at a few per second.";
      unit = "reqps";
      queries = [
        (query "{{instance}} {{status}}" ''sum by (instance, status) (rate(wordtally_http_requests_total{${service},path=~"/|/counts"}[$__rate_interval]))'')
      ];
    })
    (lines {
      title = "Time that the page takes at the reverse proxy";
      description = "Of the probes, which make a new TLS connection each.";
      unit = "s";
      queries = [ (query "{{instance}}" "probe_duration_seconds{${page}}") ];
    })
    (lines {
      title = "Time that the page takes at the instance";
      description = "From a request's head to its response, without those that nginx answers with a copy. A request that waits for the first answer takes seconds.";
      unit = "s";
      queries =
        map
          (
            quantile:
            query "{{instance}} ${quantile}" "histogram_quantile(${quantile}, sum by (instance, le) (rate(wordtally_http_request_duration_seconds_bucket{${service},path=~\"/|/counts\"}[$__rate_interval])))"
          )
          [
            "0.5"
            "0.99"
          ];
    })
    (lines {
      title = "Time that a step of a refresh takes";
      description = "On average: a token, the query, the wait for its job, a further page.";
      unit = "s";
      queries = [
        (query "{{instance}} {{step}}" "sum by (instance, step) (rate(wordtally_refresh_step_duration_seconds_sum{${service}}[1h])) / sum by (instance, step) (rate(wordtally_refresh_step_duration_seconds_count{${service}}[1h]))")
      ];
    })
    (lines {
      title = "Refreshes by result, per hour";
      description = "All that is not ok is named in the runbook of WordtallyRefreshFailing.";
      queries = [
        (query "{{instance}} {{result}}" "sum by (instance, result) (increase(wordtally_refreshes_total{${service}}[1h]))")
      ];
    })
    (lines {
      title = "BigQuery jobs per hour";
      description = "Retries included.";
      queries = [
        (query "{{instance}}" "sum by (instance) (increase(wordtally_bigquery_jobs_total{${service}}[1h]))")
      ];
    })
    (lines {
      title = "Bytes billed by BigQuery per day";
      description = "Worked out from the bytes processed.";
      unit = "bytes";
      queries = [
        (query "{{instance}}" "sum by (instance) (increase(wordtally_bigquery_billed_bytes_total{${service}}[1d]))")
      ];
    })
    (lines {
      title = "Connections";
      description = "Open at the instances, and refused because too many were.";
      queries = [
        (query "{{instance}} open" "wordtally_http_connections{${service}}")
        (query "{{instance}} refused per second" "rate(wordtally_http_connections_refused_total{${service}}[$__rate_interval])")
      ];
    })
    (lines {
      title = "Memory of the instances";
      description = "In RAM. systemd ends an instance that has more than its unit's MemoryMax.";
      unit = "bytes";
      queries = [ (query "{{instance}}" "process_resident_memory_bytes{${service}}") ];
    })
    (lines {
      title = "Log lines dropped per second";
      description = "The journal does not keep up, or the level is debug under load.";
      queries = [
        (query "{{instance}}" "rate(wordtally_log_lines_dropped_total{${service}}[$__rate_interval])")
      ];
    })
    (number {
      title = "Instances by version and commit";
      description = "More than one: a deployment is on its way, or was not finished.";
      queries = [
        (query "{{version}} {{commit}}" "count by (version, commit) (wordtally_build_info{${service}})")
      ];
    })
    (number {
      title = "The certificate ends in";
      description = "Read from a connection to the reverse proxy.";
      unit = "s";
      steps = [
        (step null "red")
        (step (14 * 86400) "green")
      ];
      queries = [
        (query "certificate" "min(probe_ssl_earliest_cert_expiry{${page}}) - time()")
      ];
    })
  ];

  dashboard = (formats.json { }).generate "wordtally.json" {
    uid = "wordtally";
    title = "wordtally";
    description = "How well each word is served, and what it costs.";
    tags = [ "wordtally" ];
    schemaVersion = 39;
    editable = false;
    refresh = "1m";
    time = {
      from = "now-6h";
      to = "now";
    };
    templating.list = [
      {
        name = "datasource";
        label = "Prometheus";
        type = "datasource";
        query = "prometheus";
      }
      {
        name = "instance";
        label = "Word";
        type = "query";
        inherit datasource;
        query = ''label_values(wordtally_build_info{job="wordtally"}, instance)'';
        # When the range of time changes too.
        refresh = 2;
        sort = 1;
        multi = true;
        includeAll = true;
        # Of 200 names a list would be a long query.
        allValue = ".+";
      }
    ];
    panels = placed panels;
  };
in
# Grafana's provisioning reads a folder.
runCommand "wordtally-dashboard" { } ''
  install -D -m 444 ${dashboard} $out/wordtally.json
''
