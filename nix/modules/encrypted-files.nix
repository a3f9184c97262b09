# The encrypted files behind a path: those of the agenix secrets that are decrypted to it. Their content changes with the
# secret, the path never does, so a unit that reads the path takes these as its trigger.
{ lib, config }:
path:
map (secret: secret.file) (
  lib.filter (secret: secret.path == path) (lib.attrValues (config.age.secrets or { }))
)
