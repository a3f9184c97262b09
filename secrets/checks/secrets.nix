# Every secret in git is encrypted for exactly the recipients that `secrets.nix` lists. First, a test shows that the check
# finds faults.
{ pkgs, lib, ... }:
let
  secrets = import ../encrypted.nix { inherit lib; };
  rules = pkgs.writeText "secrets.json" (builtins.toJSON (import "${secrets}/secrets.nix"));
  tested = pkgs.callPackage ../../nix/pytest.nix { } {
    name = "check-recipients";
    tests = [ "secrets/tests/test_check_recipients.py" ];
    files = [ ../tests/check_recipients.py ];
  };
in
pkgs.runCommand "secrets-recipients"
  {
    nativeBuildInputs = [ pkgs.python3 ];
    inherit tested;
  }
  ''
    python3 ${../tests/check_recipients.py} ${rules} ${secrets} | tee $out
  ''
