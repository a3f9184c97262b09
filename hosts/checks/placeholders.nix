# Production builds with its placeholders, but its deployment is refused until the last of them is replaced.
{
  pkgs,
  lib,
  hosts,
  ...
}:
let
  inherit (hosts) prod mock-prod;
  # The replacement may be any value other than the placeholder.
  replaced =
    (prod.extendModules {
      modules = [
        {
          wordtally = {
            hostKey = lib.mkForce mock-prod.config.wordtally.hostKey;
            deployment.trust = {
              keyFiles = [ "/etc/key.pub" ];
              repositories = [ "https://git.example.net/words" ];
              builders = [ "https://git.example.net/-/runners/*" ];
            };
          };
          services.wordtally.reverseProxy = {
            hostName = lib.mkForce "words.example.net";
            certificateFile = lib.mkForce mock-prod.config.services.wordtally.reverseProxy.certificateFile;
          };
          age.secrets = lib.mapAttrs (_: _: {
            file = lib.mkForce ../../secrets/dev/bigquery.json.age;
          }) prod.config.age.secrets;
        }
      ];
    }).config;
  oneLeft =
    (prod.extendModules {
      modules = [ { wordtally.hostKey = lib.mkForce mock-prod.config.wordtally.hostKey; } ];
    }).config;
in
assert lib.elem "the host key in secrets/keys.nix" prod.config.wordtally.placeholders;
assert lib.elem "reverseProxy.hostName in hosts/environments.nix"
  prod.config.wordtally.placeholders;
assert lib.elem "hosts/prod/certificate.pem" prod.config.wordtally.placeholders;
assert lib.elem "secrets/prod/bigquery.json.age" prod.config.wordtally.placeholders;
assert lib.elem "release/cosign.pub" prod.config.wordtally.placeholders;
assert lib.elem "wordtally.deployment.trust.builders in hosts/environments.nix"
  prod.config.wordtally.placeholders;
# Each secret of production is either listed as a placeholder or real: none is skipped.
assert
  lib.length prod.config.wordtally.placeholders
  == 6 + lib.length (lib.attrNames prod.config.age.secrets);
assert !lib.elem "the host key in secrets/keys.nix" oneLeft.wordtally.placeholders;
assert oneLeft.wordtally.placeholders != [ ];
assert replaced.wordtally.placeholders == [ ];
assert mock-prod.config.wordtally.placeholders == [ ];
# A failed assertion stops a system's build; the refusal of placeholders must not be an assertion.
assert builtins.isString prod.config.system.build.toplevel.drvPath;
pkgs.runCommand "placeholders-refused" { } ''
  for verb in switch boot test; do
    if ${prod.config.system.preSwitchChecksScript} /system "$verb" 2>refusal; then
      echo "production with placeholders passed '$verb'" >&2
      exit 1
    fi
    grep -Fx ${lib.escapeShellArg "wordtally-prod is not deployed: it still has placeholders for ${lib.concatStringsSep ", " prod.config.wordtally.placeholders}; docs/how-to/manage-secrets.md says how to replace each."} refusal
  done
  ${replaced.system.preSwitchChecksScript} /system switch
  ${mock-prod.config.system.preSwitchChecksScript} /system switch
  touch $out
''
