# The project that pays for a word without a project. Without this, the service would ask the metadata server, which names
# the cluster's project.
{ lib }:
platforms:
let
  ofAccount = builtins.match "[^@]+@([a-z0-9-]+)[.]iam[.]gserviceaccount[.]com" platforms.googleServiceAccount;
in
if platforms.project != null then
  platforms.project
else
  lib.throwIf (ofAccount == null)
    "platforms: '${platforms.googleServiceAccount}' contains no project: set `project`, which pays for the queries."
    (lib.head ofAccount)
