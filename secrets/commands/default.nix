# Commands around agenix that find the files, the rules and the key that decrypts.
{ pkgs, agenix }:
let
  inherit (pkgs) lib;
  command =
    name: script: description:
    pkgs.writeShellApplication {
      inherit name;
      runtimeInputs = [
        agenix
        pkgs.coreutils
        pkgs.gawk
        pkgs.gnugrep
        pkgs.gnused
        pkgs.jq
        pkgs.nix
        pkgs.openssh
        pkgs.openssl
      ];
      text = ''
        command=${name}
        # shellcheck disable=SC2034 # Not every command reads a file that the caller names.
        start=$PWD
        ${builtins.readFile ./common.sh}
        ${builtins.readFile script}
      '';
      meta = { inherit description; };
    };
in
lib.mapAttrs (name: { script, description }: command name script description) {
  secrets-edit = {
    script = ./edit.sh;
    description = "Edits one secret; the plain text stays in memory";
  };
  secrets-rekey = {
    script = ./rekey.sh;
    description = "Re-encrypts each secret for the recipients that secrets.nix lists";
  };
  add-host = {
    script = ./add-host.sh;
    description = "Adds a host's public key to keys.nix and encrypts the host's secrets for it";
  };
}
