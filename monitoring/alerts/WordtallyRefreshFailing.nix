{ name, failures, ... }:
let
  failed = reason: failures ''result="${reason}"'';
  credential = failed "credential";
in
{
  severity = "warning";
  after = "1m";
  # The number of failures, for any reason. `increase` extrapolates, so it gives a little more than two for two failures.
  expr = "sum without (result) (increase(${failures ''result!="ok"''}[15m])) > 2.5";
  summary = "Three refreshes of ${name} failed in 15 minutes.";

  labels.job = "wordtally";
  cases = {
    "refreshes fail" = {
      series.${credential} = "0+1x60";
      fires = true;
    };
    "three refreshes failed" = {
      series.${credential} = "0x35 3x24";
      fires = true;
    };
    "three failed, each for a different reason" = {
      series = {
        ${credential} = "0x35 1x24";
        ${failed "timeout"} = "0x35 1x24";
        ${failed "quota"} = "0x35 1x24";
      };
      fires = true;
    };
    "two refreshes failed" = {
      series.${credential} = "5x55 7x24";
      # With samples that fall between the evaluations, `increase` gives more than two.
      interval = "35s";
      fires = false;
    };
  };
}
