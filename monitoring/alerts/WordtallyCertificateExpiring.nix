{ certificateDays, expiry, ... }:
{
  perWord = false;
  severity = "warning";
  after = "10m";
  expr = ''min(probe_ssl_earliest_cert_expiry{job="wordtally-page"}) - time() < ${toString certificateDays} * 86400'';
  summary = "The reverse proxy's certificate expires in less than ${toString certificateDays} days.";

  cases."the certificate expires" = {
    series.${expiry} = "1000000x60";
    fires = true;
  };
}
