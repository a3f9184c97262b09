# The commands that edit secrets and say who opens them.
{ pkgs, agenix, ... }: import ./commands { inherit pkgs agenix; }
