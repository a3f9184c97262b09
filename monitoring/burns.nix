# The burn rates that alert: at these, the error budget of 30 days would be used up in about two days, and in five. The short
# window ends the alert soon after the fault.
[
  {
    severity = "critical";
    factor = 14.4;
    long = "1h";
    short = "5m";
  }
  {
    severity = "warning";
    factor = 6;
    long = "6h";
    short = "30m";
  }
]
