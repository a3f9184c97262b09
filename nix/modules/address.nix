# The address at which the host itself reaches an instance, even one that listens on every address.
{ lib }:
let
  parse = import ./listen.nix { inherit lib; };
in
listen:
let
  parsed = parse listen;
in
if !parsed.everywhere or false then
  listen
else
  "${if parsed.family == 6 then "[::1]" else "127.0.0.1"}:${toString parsed.port}"
