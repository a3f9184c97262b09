{ name, page, ... }:
{
  severity = "critical";
  after = "2m";
  expr = "${page} == 0 or absent(${page})";
  summary = "The page /${name}/ does not return 200 at the reverse proxy.";

  labels.job = "wordtally-page";
  cases = {
    "the page fails" = {
      series.${page} = "0x60";
      fires = true;
    };
    "nothing probes the page" = {
      series.${page} = null;
      fires = true;
    };
    "the page failed once" = {
      series.${page} = "1x38 0x0 0 1x20";
      fires = false;
    };
  };
}
