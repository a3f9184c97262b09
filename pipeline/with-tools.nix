# Runs a program with what `deploy` runs on PATH, all of it nixpkgs' own: nothing is compiled for it.
{
  writeShellApplication,
  cosign,
  gitMinimal,
  nix,
  openssh,
  skopeo,
}:
writeShellApplication {
  name = "with-tools";
  runtimeInputs = [
    cosign
    gitMinimal
    nix
    openssh
    skopeo
  ];
  text = ''
    [ $# != 0 ] || { echo "with-tools: give a program, such as subjects/bin/deploy, and its arguments" >&2; exit 2; }
    exec "$@"
  '';
  meta.description = "Runs a program with the tools of a release on PATH";
}
