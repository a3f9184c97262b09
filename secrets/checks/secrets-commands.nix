# Tests the commands for secrets with the real agenix and age, on a copy of the folder.
{
  pkgs,
  self,
  lib,
  ...
}:
let
  packages = self.packages.${pkgs.stdenv.hostPlatform.system};
in
pkgs.callPackage ../../nix/pytest.nix { } {
  name = "secrets-commands";
  tests = [ "secrets/tests/test_commands.py" ];
  tools = [
    pkgs.age
    pkgs.openssh
    pkgs.openssl
    packages.secrets-edit
    packages.secrets-rekey
  ];
  env = {
    SECRETS = "${import ../encrypted.nix { inherit lib; }}";
    # Nothing is built or stored, because agenix only reads secrets.nix.
    NIX_REMOTE = "dummy://";
  };
  setup = "export NIX_STATE_DIR=$HOME/state";
}
