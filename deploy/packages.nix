# The command that deploys a release to a host, and the host's part of a deployment.
{ builds, ... }:
{
  inherit (builds) deploy deploy-host;
}
