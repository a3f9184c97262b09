# The commands that edit secrets and their recipients.
{ pkgs, agenix, ... }: import ./commands { inherit pkgs agenix; }
