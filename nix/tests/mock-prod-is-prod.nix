# Mock production differs from production in data only, so that what holds there holds in production.
{
  pkgs,
  lib,
  hosts,
  ...
}:
let
  inherit (hosts) prod mock-prod;
  units =
    host:
    lib.mapAttrs (_: unit: lib.splitString "\n" (builtins.unsafeDiscardStringContext unit.text)) (
      lib.filterAttrs (_: unit: unit.enable && unit.text or null != null) host.config.systemd.units
    );
  real = units prod;
  mock = units mock-prod;

  # Units that only one of them has: the stand-in, and what a virtual machine needs or does without.
  extra = [
    "bigquery-standin.service"
    "qemu-guest-agent.service"
    "systemd-timesyncd.service"
  ];
  # Of the machine, not of what it serves: host name, disks, devices, the login of a virtual machine.
  machine = [
    "nftables.service"
    "firewall.service"
    "systemd-fsck@.service"
    "systemd-makefs@.service"
  ];
  # Lines that hold data: the endpoint, who may be reached, and hashes of files.
  data = [
    "X-Restart-Triggers="
    "X-Reload-Triggers="
    ''Environment="BIGQUERY_ENDPOINT=''
    "IPAddressAllow="
    # What is in these files is compared below.
    "  --config.file"
  ];
  isData = line: lib.any (prefix: lib.hasPrefix prefix line) data;
  rest = lib.filter (line: !isData line);

  # What Prometheus asks, but for the name of the host.
  watched =
    host:
    lib.replaceStrings [ host.config.services.wordtally.frontdoor.hostName ] [ "HOST" ] (
      builtins.unsafeDiscardStringContext (builtins.toJSON host.config.services.prometheus.scrapeConfigs)
    );

  added = lib.subtractLists extra (lib.attrNames mock);
  removed = lib.subtractLists extra (lib.attrNames real);
  faults =
    lib.optional (watched prod != watched mock-prod) "services.prometheus.scrapeConfigs differs"
    ++ map (name: "${name} is in mock-prod only") (lib.subtractLists removed added)
    ++ map (name: "${name} is in prod only") (lib.subtractLists added removed)
    ++ lib.concatMap (
      name:
      map (line: "${name}, mock-prod only: ${line}") (
        lib.subtractLists (rest real.${name}) (rest mock.${name})
      )
      ++ map (line: "${name}, prod only: ${line}") (
        lib.subtractLists (rest mock.${name}) (rest real.${name})
      )
    ) (lib.subtractLists machine (lib.intersectLists removed added))
    ++
      lib.concatMap
        (
          path:
          lib.optional (
            lib.getAttrFromPath path prod.config != lib.getAttrFromPath path mock-prod.config
          ) "${lib.concatStringsSep "." path} differs"
        )
        [
          [
            "networking"
            "firewall"
            "allowedTCPPorts"
          ]
          [
            "networking"
            "firewall"
            "allowedUDPPorts"
          ]
          [
            "services"
            "openssh"
            "settings"
          ]
        ];
in
if faults != [ ] then
  throw "mock-prod is not prod:\n${lib.concatStringsSep "\n" faults}"
else
  pkgs.writeText "mock-prod-is-prod" "units compared: ${toString (lib.length (lib.attrNames real))}\n"
