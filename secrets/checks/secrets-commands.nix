# The commands for secrets, with agenix and age themselves, on a copy of the folder.
{
  pkgs,
  self,
  lib,
  ...
}:
let
  packages = self.packages.${pkgs.stdenv.hostPlatform.system};
in
pkgs.runCommand "secrets-commands"
  {
    nativeBuildInputs = [
      pkgs.age
      pkgs.openssh
      pkgs.openssl
      pkgs.python3
      packages.secrets-edit
      packages.secrets-rekey
    ];
    # Nothing is built or stored: agenix only reads secrets.nix.
    NIX_REMOTE = "dummy://";
  }
  ''
    export HOME=$PWD NIX_STATE_DIR=$PWD/state
    python3 ${./secrets-commands.py} ${import ../encrypted.nix { inherit lib; }}
    touch $out
  ''
