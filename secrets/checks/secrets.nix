# Every secret in git is encrypted, and to whom `secrets.nix` lists. First, the check itself is seen to find faults.
{ pkgs, lib, ... }:
let
  secrets = import ../encrypted.nix { inherit lib; };
  rules = pkgs.writeText "secrets.json" (builtins.toJSON (import "${secrets}/secrets.nix"));
  scripts = lib.fileset.toSource {
    root = ./.;
    fileset = lib.fileset.unions [
      ./check-recipients.py
      ./check-recipients-test.py
    ];
  };
in
pkgs.runCommand "secrets-recipients" { nativeBuildInputs = [ pkgs.python3 ]; } ''
  python3 ${scripts}/check-recipients-test.py
  python3 ${scripts}/check-recipients.py ${rules} ${secrets}
  touch $out
''
