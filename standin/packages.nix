# The stand-in: the service's program with the commands of the stand-in.
{ builds, ... }:
{
  inherit (builds) bigquery-standin;
}
