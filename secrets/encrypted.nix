# The encrypted files with who may open them: the folder without its programs and public keys. Whatever else is in it must
# be encrypted.
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
