# Settings of a unit that a host can change without `mkForce`. The host's setting replaces a value and extends a list, like a
# repeated setting in a unit file, so an additional path or system call does not drop ours. Ours come first, because the first
# entry of `SystemCallFilter=` decides whether the list allows or denies.
{ lib }:
lib.mapAttrs (_: value: if lib.isList value then lib.mkBefore value else lib.mkDefault value)
