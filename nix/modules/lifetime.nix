# How a unit of ours starts, stops and starts again: the same for each.
{
  Restart = "always";
  RestartSec = "1s";
  RestartSteps = 5;
  RestartMaxDelaySec = "30s";
  # The first answer may take 10 seconds, a drain too.
  TimeoutStartSec = "60s";
  TimeoutStopSec = "20s";
  WatchdogSec = "30s";
}
