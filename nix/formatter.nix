# `nix fmt` formats every Nix file of the tree; given files or flags, just those.
{
  writeShellApplication,
  gitMinimal,
  nixfmt-rs,
}:
writeShellApplication {
  name = "format-nix";
  runtimeInputs = [
    gitMinimal
    nixfmt-rs
  ];
  text = ''
    if [ $# = 0 ]; then
      cd "$(git rev-parse --show-toplevel)"
      mapfile -d "" -t files < <(git ls-files -z --cached --others --exclude-standard '*.nix')
      set -- "''${files[@]}"
    fi
    exec nixfmt "$@"
  '';
}
