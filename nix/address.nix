# Where an instance is asked on its own machine, also one that listens everywhere.
{ lib }:
listen:
if lib.hasPrefix "0.0.0.0:" listen then
  "127.0.0.1:${lib.removePrefix "0.0.0.0:" listen}"
else if lib.hasPrefix "[::]:" listen then
  "[::1]:${lib.removePrefix "[::]:" listen}"
else
  listen
