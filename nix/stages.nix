# The checks by the stage of the pipeline that runs them: `nix build .#lint`, `nix build .#tests`.
{
  lib,
  linkFarm,
  checks,
}:
let
  isLint =
    name:
    lib.elem name [
      "code-clippy"
      "code-clippy-without-standin"
      "code-deny"
      "code-rustdoc"
      "code-rustfmt"
      "format"
    ];
  # What is offered and the hosts: the stage `build` makes them.
  isBuild =
    name:
    lib.any (prefix: lib.hasPrefix prefix name) [
      "package-"
      "host-"
    ];
  group = name: wanted: linkFarm name (lib.filterAttrs (name: _: wanted name) checks);
in
{
  lint = group "lint" isLint;
  tests = group "tests" (name: !isLint name && !isBuild name);
}
