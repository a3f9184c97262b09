# How all of our units start, stop and restart.
{
  Restart = "always";
  RestartSec = "1s";
  RestartSteps = 5;
  RestartMaxDelaySec = "30s";
  # The first answer may take 10 seconds, and so may a drain.
  TimeoutStartSec = "60s";
  TimeoutStopSec = "20s";
  WatchdogSec = "30s";
}
