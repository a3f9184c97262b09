# Mock production differs from production only in data, so a test that passes there is valid for production.
{
  pkgs,
  lib,
  hosts,
  ...
}:
let
  inherit (hosts) prod mock-prod;

  # Production on mock production's machine, with production's data. So differences that come from the machine, such as its
  # disk, store and devices, cancel out, whatever nixpkgs derives from them.
  moved = prod.extendModules {
    modules = [
      ../vm.nix
      {
        wordtally = {
          inherit (mock-prod.config.wordtally) sshPort;
        };
      }
    ];
  };

  units =
    host:
    lib.mapAttrs (_: unit: lib.splitString "\n" (builtins.unsafeDiscardStringContext unit.text)) (
      lib.filterAttrs (_: unit: unit.enable && unit.text or null != null) host.config.systemd.units
    );

  # The units that serve, monitor and admit: not even the machine may change these.
  serves =
    name:
    lib.any (prefix: lib.hasPrefix prefix name) [
      "wordtally"
      "nginx"
      "prometheus"
      "sshd"
      "acme"
      "agenix"
      "deploy-host"
    ];

  # Lines that contain data: the endpoint, the allowed addresses and the hashes of files.
  data = [
    "X-Restart-Triggers="
    "X-Reload-Triggers="
    ''Environment="BIGQUERY_ENDPOINT=''
    "IPAddressAllow="
    # The content of these files is compared below.
    "  --config.file"
  ];
  # The path contains the host's name; its rules are compared below.
  isRules = lib.hasSuffix "-nftables-rules";
  rest = lib.filter (line: !isRules line && !lib.any (prefix: lib.hasPrefix prefix line) data);

  # The targets of Prometheus, without the name of the host.
  watched =
    config:
    lib.replaceStrings [ config.services.wordtally.reverseProxy.hostName ] [ "HOST" ] (
      builtins.unsafeDiscardStringContext (builtins.toJSON config.services.prometheus.scrapeConfigs)
    );
  settings =
    { config, ... }:
    {
      "services.prometheus.scrapeConfigs" = watched config;
      "services.openssh.settings" = config.services.openssh.settings;
      # The launcher of a virtual machine decides who logs in to it.
      "services.openssh.extraConfig" = lib.filter (line: !lib.hasPrefix "AuthorizedKeysFile" line) (
        lib.splitString "\n" (builtins.unsafeDiscardStringContext config.services.openssh.extraConfig)
      );
      "networking.nftables.tables" = lib.mapAttrs (
        _: table: table.content
      ) config.networking.nftables.tables;
      "networking.firewall.allowedTCPPorts" = config.networking.firewall.allowedTCPPorts;
      "networking.firewall.allowedUDPPorts" = config.networking.firewall.allowedUDPPorts;
    };

  # The differences between the first host's units and the second's.
  differences =
    named: first: second:
    lib.concatMap (
      unit:
      let
        only =
          host: other: lines:
          map (line: "${unit}, ${host} only: ${line}") (lib.subtractLists (rest other) (rest lines));
      in
      if !first ? ${unit} then
        [ "${unit} is in ${named.second} only" ]
      else if !second ? ${unit} then
        [ "${unit} is in ${named.first} only" ]
      else
        only named.first second.${unit} first.${unit} ++ only named.second first.${unit} second.${unit}
    ) (lib.attrNames (first // second));

  serving = lib.filterAttrs (name: _: serves name);
  faultsOf =
    mock:
    differences {
      first = "mock-prod";
      second = "prod on its machine";
    } mock.units moved'
    ++ differences {
      first = "mock-prod";
      second = "prod";
    } (serving mock.units) (serving (units prod))
    ++ map (name: "${name} differs") (
      lib.attrNames (lib.filterAttrs (name: value: value != (settings prod).${name}) mock.settings)
    );
  moved' = units moved;
  mock = {
    # The stand-in replaces Google, so production does not have its unit.
    units = removeAttrs (units mock-prod) [ "bigquery-standin.service" ];
    settings = settings mock-prod;
  };

  # Differences that must be found: a loosened unit, an additional one, a missing one, a port.
  loosened = {
    units =
      removeAttrs mock.units [ "wordtally-love.socket" ]
      // lib.mapAttrs (_: map (line: if line == "ProtectHome=true" then "ProtectHome=false" else line)) {
        inherit (mock.units) "wordtally-the.service";
      }
      // {
        "own.service" = [ "ExecStart=own" ];
      };
    settings = mock.settings // {
      "networking.firewall.allowedTCPPorts" = mock.settings."networking.firewall.allowedTCPPorts" ++ [
        9
      ];
    };
  };
  found = faultsOf loosened;
  expected = [
    "wordtally-the.service, mock-prod only: ProtectHome=false"
    "own.service is in mock-prod only"
    "wordtally-love.socket is in prod only"
    "networking.firewall.allowedTCPPorts differs"
  ];
  missed = lib.subtractLists found expected;
  faults = faultsOf mock;
in
assert lib.assertMsg (missed == [ ]) "not found: ${toString missed}, but\n${lib.concatLines found}";
if faults != [ ] then
  throw "mock-prod is not prod:\n${lib.concatStringsSep "\n" faults}"
else
  pkgs.writeText "mock-prod-is-prod" "units compared: ${toString (lib.length (lib.attrNames moved'))}\n"
