# The encrypted files of the agenix secrets that are decrypted to a path. The files change with the secret, but the path does
# not, so a unit that reads the path takes the files as its restart triggers.
{ lib, config }:
path:
map (secret: secret.file) (
  lib.filter (secret: secret.path == path) (lib.attrValues (config.age.secrets or { }))
)
