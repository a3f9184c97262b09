# docs/ as a site, with the pages that are made from the modules and the programs.
{
  pkgs,
  builds,
  hosts,
  offered,
  ...
}:
let
  inherit (pkgs) lib;
  root = ../.;
  source = lib.fileset.toSource {
    inherit root;
    fileset = lib.fileset.unions [
      ./book.toml
      ./diagrams.js
      ./theme
      ./write_site.py
      (lib.fileset.fileFilter (
        file:
        lib.any file.hasExt [
          "md"
          "png"
          "svg"
        ]
      ) root)
    ];
  };
  options = pkgs.callPackage ./options.nix { inherit (hosts.dev) options; };
  mermaid = pkgs.callPackage ./mermaid.nix { };
in
{
  docs = pkgs.runCommand "wordtally-docs" { meta.description = "The documentation as a site"; } ''
    ${lib.getExe offered.write-docs} $out
  '';
  write-docs = pkgs.writeShellApplication {
    name = "write-docs";
    runtimeInputs = [
      pkgs.mdbook
      pkgs.python3
    ];
    text = ''
      exec python3 ${source}/site/write_site.py --root ${source} --options ${options} --mermaid ${mermaid} \
        --program ${builds.bigquery-standin}/bin/wordtally --program ${builds.deploy}/bin/deploy "$@"
    '';
    meta.description = "Writes the documentation as a site into a folder";
  };
}
