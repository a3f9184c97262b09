# Panels in the format of Grafana's dashboards.
{ lib }:
let
  datasource = {
    type = "prometheus";
    uid = "\${datasource}";
  };

  # The grid has 24 columns.
  size = {
    w = 12;
    h = 8;
  };

  # The colour from this value upwards; `null` is the lowest step.
  step = value: color: { inherit value color; };

  panel =
    type: lowest: options:
    {
      title,
      description,
      queries,
      unit ? "short",
      steps ? [ (step null "green") ],
      range ? lowest,
      transformations ? [ ],
    }:
    let
      overTime = type == "timeseries";
    in
    {
      inherit
        type
        title
        description
        datasource
        options
        transformations
        ;
      fieldConfig = {
        defaults = range // {
          inherit unit;
          thresholds = {
            mode = "absolute";
            inherit steps;
          };
          custom = lib.optionalAttrs (overTime && lib.length steps > 1) { thresholdsStyle.mode = "line"; };
        };
        overrides = [ ];
      };
      targets = lib.zipListsWith (
        refId:
        { legend, expr }:
        {
          inherit refId datasource expr;
          legendFormat = legend;
          range = overTime;
          instant = !overTime;
          format = if type == "table" then "table" else "time_series";
        }
      ) lib.upperChars queries;
    };
  lastValue.reduceOptions.calcs = [ "lastNotNull" ];
in
{
  inherit datasource step;

  # A query and the legend of its lines.
  query = legend: expr: { inherit legend expr; };

  # For counts and durations, which are never below 0.
  lines = panel "timeseries" { min = 0; } {
    tooltip = {
      mode = "multi";
      sort = "desc";
    };
  };
  number = panel "stat" { } lastValue;
  bars = panel "bargauge" { } (lastValue // { orientation = "horizontal"; });
  table = panel "table" { } { };

  # Two panels in each row.
  placed = lib.imap0 (
    n: panel:
    panel
    // {
      id = n + 1;
      gridPos = {
        inherit (size) w h;
        x = size.w * lib.mod n 2;
        y = size.h * (n / 2);
      };
    }
  );
}
