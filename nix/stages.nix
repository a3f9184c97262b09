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
  # The stage `build` makes the hosts; these two would contain themselves.
  isElsewhere =
    name:
    lib.hasPrefix "host-" name
    || lib.elem name [
      "package-lint"
      "package-tests"
    ];
  group = name: wanted: linkFarm name (lib.filterAttrs (name: _: wanted name) checks);
in
{
  lint = group "lint" isLint;
  tests = group "tests" (name: !isLint name && !isElsewhere name);
}
