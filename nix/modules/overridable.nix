# Settings of a unit that a host can set otherwise without `mkForce`. What it sets takes the place of a value and is added to
# a list, as with a setting that a unit file repeats: so a path or a system call more drops none of ours. Ours come first: the
# first entry of `SystemCallFilter=` tells whether it is a list of what is allowed or of what is denied.
{ lib }:
lib.mapAttrs (_: value: if lib.isList value then lib.mkBefore value else lib.mkDefault value)
