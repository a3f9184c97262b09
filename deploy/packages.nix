# The command that brings a release to a host, and the host's own part.
{ builds, ... }:
{
  inherit (builds) deploy deploy-host;
}
