# The encrypted files with their list of recipients: the folder without its programs and public keys. Every other file in it
# must be encrypted.
{ lib }:
lib.fileset.toSource {
  root = ./.;
  fileset = lib.fileset.difference ./. (
    lib.fileset.unions [
      ./checks
      ./commands
      (lib.fileset.maybeMissing ./deployers)
      ./encrypted.nix
      ./packages.nix
      ./tests
    ]
  );
}
