# The Grafana dashboard for the Prometheus of any host, as a folder with one file. Its variable `instance` takes the names
# from the metrics, so the dashboard does not change with the words.
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
      description = "Over the last 30 days. Below 0, the objective is missed.";
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
      description = "A rate of 1 uses up the budget in exactly 30 days. Alerts fire above ${
        lib.concatMapStringsSep ", and above " (
          burn: "${builtins.toJSON burn.factor} over ${burn.long} and ${burn.short}"
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
      description = "The pending and firing alerts of all words.";
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
      description = "Time since the job of the served answer was sent. The objective allows twice the TTL.";
      unit = "s";
      queries = [
        (query "{{instance}}" "time() - (wordtally_answer_timestamp_seconds{${service}} > 0)")
        (query "{{instance}} allowed" "2 * wordtally_answer_ttl_seconds{${service}}")
      ];
    })
    (lines {
      title = "Requests for the page by status";
      description = "Requests that reach the instance, including the probes through the reverse proxy. Requests that nginx refuses or serves from its cache are not counted, so the rate stays at a few per second under load.";
      unit = "reqps";
      queries = [
        (query "{{instance}} {{status}}" ''sum by (instance, status) (rate(wordtally_http_requests_total{${service},path=~"/|/counts"}[$__rate_interval]))'')
      ];
    })
    (lines {
      title = "Response time at the reverse proxy";
      description = "Duration of the probes, each of which makes a new TLS connection.";
      unit = "s";
      queries = [ (query "{{instance}}" "probe_duration_seconds{${page}}") ];
    })
    (lines {
      title = "Response time at the instance";
      description = "From a request's head to its response, without the requests that nginx serves from its cache. A request that waits for the first answer takes seconds.";
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
      title = "Duration of a refresh's steps";
      description = "The average time to get a token, to send the query, to wait for its job, and to read a further page.";
      unit = "s";
      queries = [
        (query "{{instance}} {{step}}" "sum by (instance, step) (rate(wordtally_refresh_step_duration_seconds_sum{${service}}[1h])) / sum by (instance, step) (rate(wordtally_refresh_step_duration_seconds_count{${service}}[1h]))")
      ];
    })
    (lines {
      title = "Refreshes by result, per hour";
      description = "The runbook of WordtallyRefreshFailing explains every result except ok.";
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
      description = "Calculated from the bytes processed.";
      unit = "bytes";
      queries = [
        (query "{{instance}}" "sum by (instance) (increase(wordtally_bigquery_billed_bytes_total{${service}}[1d]))")
      ];
    })
    (lines {
      title = "Connections";
      description = "Open connections to the instances, and connections refused because too many were open.";
      queries = [
        (query "{{instance}} open" "wordtally_http_connections{${service}}")
        (query "{{instance}} refused per second" "rate(wordtally_http_connections_refused_total{${service}}[$__rate_interval])")
      ];
    })
    (lines {
      title = "Memory of the instances";
      description = "Resident memory. The kernel kills an instance that exceeds its unit's MemoryMax.";
      unit = "bytes";
      queries = [ (query "{{instance}}" "process_resident_memory_bytes{${service}}") ];
    })
    (lines {
      title = "Log lines dropped per second";
      description = "Above 0, the journal does not keep up, or the log level is debug under load.";
      queries = [
        (query "{{instance}}" "rate(wordtally_log_lines_dropped_total{${service}}[$__rate_interval])")
      ];
    })
    (number {
      title = "Instances by version and commit";
      description = "More than one version means that a deployment is under way or was not finished.";
      queries = [
        (query "{{version}} {{commit}}" "count by (version, commit) (wordtally_build_info{${service}})")
      ];
    })
    (number {
      title = "The certificate expires in";
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
    description = "The availability, freshness and cost of each word.";
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
        # Also when the time range changes.
        refresh = 2;
        sort = 1;
        multi = true;
        includeAll = true;
        # A list of 200 names would make a long query.
        allValue = ".+";
      }
    ];
    panels = placed panels;
  };
in
# Grafana's provisioning expects a folder.
runCommand "wordtally-dashboard" { } ''
  install -D -m 444 ${dashboard} $out/wordtally.json
''
