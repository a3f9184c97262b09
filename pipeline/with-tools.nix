# Runs a program with the tools of `deploy` on PATH. They come from nixpkgs, so nothing is compiled.
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
