# Each word has one service and one socket, and its text reaches the process unchanged, whatever characters it contains. A
# host's own settings replace a unit's values and extend its lists.
{
  pkgs,
  lib,
  hosts,
  ...
}:
let
  nasty = {
    quotes = ''"both" 'kinds' of'';
    spaces = "  two  and  two  ";
    percent = "100%n %%i %";
    dollar = "$HOME \${WORD} $$";
    backslash = ''a\nb\\c\'';
    utf8 = "Ærøskøbing ☃ 𝕫";
    shell = "`id`; $(id) & | > < * ? # ! ~ {a,b} =";
    tis = "'Tis";
    comment = "#;[Service]";
  };
  inherit
    ((hosts.dev.extendModules {
      modules = [
        { services.wordtally.instances = lib.mapAttrs (_: word: { inherit word; }) nasty; }
        {
          # The options' former names.
          services.wordtally = {
            defaults.stale = "25h";
            instances.spaces.stale = "26h";
          };
        }
        {
          services.wordtally.instances.quotes = {
            logLevel = "warn";
            extraEnvironment.NO_PROXY = ''100% "of" it'';
            extraReadOnlyPaths = [ "-/run/token" ];
          };
          systemd.services = {
            wordtally-quotes.serviceConfig = {
              MemoryMax = "192M";
              ProtectProc = "default";
              BindReadOnlyPaths = "/srv";
              IPAddressAllow = [ "192.0.2.1" ];
            };
            bigquery-standin.serviceConfig = {
              MemoryMax = "2G";
              SystemCallFilter = "~@debug";
            };
          };
        }
      ];
    }).config
    )
    systemd
    services
    ;
  text = name: builtins.unsafeDiscardStringContext systemd.units.${name}.text;
  cases = lib.mapAttrsToList (name: instance: {
    inherit name;
    inherit (instance)
      word
      listen
      credentialFile
      extraReadOnlyPaths
      ;
    service = text "wordtally-${name}.service";
    socket = text "wordtally-${name}.socket";
  }) services.wordtally.instances;
  # The differences between the first unit and the second: from the instance's own options, and from the host's settings.
  compared = [
    {
      units = [
        (text "wordtally-quotes.service")
        (text "wordtally-spaces.service")
      ];
      added = {
        MemoryMax = [ "192M" ];
        ProtectProc = [ "default" ];
        BindReadOnlyPaths = [
          "-/run/token"
          "/srv"
        ];
        NoExecPaths = [ "-+/run/token" ];
        IPAddressAllow = [ "192.0.2.1" ];
        Environment = [
          ''"LOG_LEVEL=warn"''
          ''"MAX_STALE=25h"''
          ''"NO_PROXY=100%% \"of\" it"''
          ''"WORD=\"both\" 'kinds' of"''
        ];
      };
      removed = {
        MemoryMax = [ "128M" ];
        ProtectProc = [ "invisible" ];
        Environment = [
          ''"MAX_STALE=26h"''
          ''"WORD=  two  and  two  "''
        ];
      };
    }
    {
      units = [
        (text "bigquery-standin.service")
        (builtins.unsafeDiscardStringContext hosts.dev.config.systemd.units."bigquery-standin.service".text)
      ];
      added = {
        MemoryMax = [ "2G" ];
        SystemCallFilter = [ "~@debug" ];
      };
      removed.MemoryMax = [ "1G" ];
    }
  ];
in
assert lib.all (name: services.wordtally.instances ? ${name}) (lib.attrNames nasty);
pkgs.runCommand "units"
  {
    nativeBuildInputs = [ pkgs.python3 ];
    cases = builtins.toJSON { inherit cases compared; };
    passAsFile = [ "cases" ];
  }
  ''
    python3 ${./units.py} "$casesPath" | tee $out
  ''
