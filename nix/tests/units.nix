# Each word has one service and one socket, and reaches its process as it was written, whatever is in it.
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
      ];
    }).config
    )
    systemd
    services
    ;
  text = name: builtins.unsafeDiscardStringContext systemd.units.${name}.text;
  cases = lib.mapAttrsToList (name: instance: {
    inherit name;
    inherit (instance) word listen credentialFile;
    service = text "wordtally-${name}.service";
    socket = text "wordtally-${name}.socket";
  }) services.wordtally.instances;
in
assert lib.all (name: services.wordtally.instances ? ${name}) (lib.attrNames nasty);
pkgs.runCommand "units"
  {
    nativeBuildInputs = [ pkgs.python3 ];
    cases = builtins.toJSON cases;
    passAsFile = [ "cases" ];
  }
  ''
    python3 ${./units.py} "$casesPath" | tee $out
  ''
