# Parses an instance's `listen`. If systemd would refuse it, `fault` says why; otherwise the result has its parts. It never
# throws, so that an assertion can report the fault.
{ lib }:
listen:
let
  byte = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
  matched = builtins.match "(\\[([0-9a-fA-F:]+)]|([0-9.]+)):([1-9][0-9]{0,4})" listen;
  v6 = lib.elemAt matched 1;
  v4 = lib.elemAt matched 2;
  # The address in eight groups, however it was abbreviated.
  long = builtins.tryEval (lib.network.ipv6.fromString v6).address;
  port = lib.toInt (lib.elemAt matched 3);

  tcp = ip: family: {
    key = "${ip}:${toString port}";
    inherit family port;
    everywhere = ip == "0.0.0.0" || ip == "0:0:0:0:0:0:0:0";
  };
  path = lib.removePrefix "unix:" listen;
  # The kernel's limit, without the terminating NUL.
  isPath = lib.hasPrefix "/" path && lib.stringLength path <= 107;
in
if lib.hasPrefix "unix:" listen then
  if isPath then
    { key = listen; }
  else
    {
      fault = "give `unix:` and an absolute path of at most 107 bytes, such as unix:/run/wordtally/the.sock";
    }
else if
  matched != null && port <= 65535 && v4 != null && builtins.match "(${byte}\\.){3}${byte}" v4 != null
then
  tcp v4 4
else if
  matched != null
  && port <= 65535
  && v6 != null
  && builtins.match "([0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}" v6 != null
  && long.success
then
  tcp long.value 6
else
  {
    fault = "give an IP address and a port from 1 to 65535, such as 127.0.0.1:8081 or [::1]:8081, or unix:/path";
  }
